/**
 * Compresses complete bodies on other threads, with encoders that are used again and again: a new one takes 400 KiB of memory that is not there
 * yet, and dozens of them at once put each other out of the processor's caches.
 */
import zlib from 'node:zlib';

/**
 * Twice as many as libuv has threads, unless UV_THREADPOOL_SIZE says otherwise: the next body is there when a thread has ended one, also while
 * this thread waits for its turn (`npm run bench -- compression`).
 */
const MOST = 8;

/** `reset` is missing in the types. */
type Encoder = zlib.Gzip & zlib.ZlibReset;

interface Task {
  readonly bytes: Buffer;
  readonly resolve: (coded: Buffer) => void;
  readonly reject: (error: Error) => void;
}

export class GzipPool {
  readonly #options: zlib.ZlibOptions;
  /** The last that was used comes first. */
  readonly #idle: Encoder[] = [];
  #made = 0;
  readonly #waiting: Task[] = [];

  /** @param maxBytes of a coded body */
  constructor(options: zlib.ZlibOptions, maxBytes: number) {
    // Each write is a whole; what comes out is taken when it is over.
    const whole = { flush: zlib.constants.Z_FINISH, readableHighWaterMark: maxBytes };
    this.#options = { ...options, ...whole };
  }

  encode(bytes: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ bytes, resolve, reject });
      this.#goOn();
    });
  }

  #goOn(): void {
    while (this.#waiting.length > 0) {
      const encoder = this.#idle.pop() ?? this.#make();
      if (encoder === undefined) return;
      this.#run(this.#waiting.shift()!, encoder);
    }
  }

  #make(): Encoder | undefined {
    if (this.#made === MOST) return undefined;
    this.#made += 1;
    const encoder = zlib.createGzip(this.#options) as Encoder;
    // Its errors come to the write, too.
    return encoder.on('error', () => {});
  }

  #run({ bytes, resolve, reject }: Task, encoder: Encoder): void {
    encoder.write(bytes, (error) => {
      if (error) {
        this.#made -= 1;
        encoder.destroy();
        reject(error);
      } else {
        resolve(encoder.read() as Buffer);
        encoder.reset();
        this.#idle.push(encoder);
      }
      this.#goOn();
    });
  }
}
