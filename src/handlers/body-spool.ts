/**
 * Collects a request body before a program sees it: in memory as long as it is small, else in a private file. So a slow or
 * endless upload costs a file and never a worker, and the program learns the true length of a chunked body.
 */
import { createWriteStream, fchmodSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { GatewayError } from '../errors.js';
import { removeQuietly } from '../process/remove-quietly.js';
import type { BodyConsumer, RequestBody } from '../types.js';
import { CollectedBytes } from '../bodies/collected-bytes.js';

/** A whole body; `dispose` removes the file when the program is done with it. */
export type SpooledBody =
  | { readonly bytes: Buffer }
  | { readonly path: string; readonly length: number; dispose(): void };

export interface SpoolOptions {
  /** Up to this size a body stays in memory. */
  readonly maxMemoryBytes: number;
  /** Where files go: a folder of mode 0700, asked for when the first file is made. */
  readonly folder: () => string;
  /** Of the files, whatever the umask; null, the default, for 0600. */
  readonly mode?: () => number | null;
}

/** Calls back once, with a whole body or with what went wrong; in the same turn if the body is at hand. */
export function spoolBody(
  body: RequestBody,
  options: SpoolOptions,
  done: (error: Error | null, spooled: SpooledBody | null) => void,
): void {
  body.consume(new Spool(body, options, done));
}

const BLOCK_BYTES = 65_536;
const NOTHING = new CollectedBytes(0, 0);

class Spool implements BodyConsumer {
  readonly #body: RequestBody;
  readonly #options: SpoolOptions;
  readonly #done: (error: Error | null, spooled: SpooledBody | null) => void;
  #memory: CollectedBytes;
  #length = 0;
  #file: WriteStream | undefined;
  /** What is to be written next. */
  #block: Buffer = Buffer.alloc(0);
  #blockLength = 0;
  #path = '';
  #over = false;

  constructor(
    body: RequestBody,
    options: SpoolOptions,
    done: (error: Error | null, spooled: SpooledBody | null) => void,
  ) {
    this.#body = body;
    this.#options = options;
    this.#done = done;
    const { length } = body;
    this.#memory =
      length <= options.maxMemoryBytes ? new CollectedBytes(length, options.maxMemoryBytes) : NOTHING;
  }

  data(chunk: Buffer): void {
    if (this.#over) return;
    if (this.#file === undefined && this.#memory.hasRoomFor(chunk.length)) {
      this.#memory.add(chunk);
    } else {
      this.#file ??= this.#open();
      this.#store(chunk);
    }
    this.#length += chunk.length;
  }

  /**
   * Collects pieces into blocks: they are only lent, and the write happens later; and a body in chunks of one byte must not wait for
   * the disk as a million buffers.
   */
  #store(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.#over) {
      const copied = chunk.copy(this.#block, this.#blockLength, at);
      at += copied;
      this.#blockLength += copied;
      if (this.#blockLength === BLOCK_BYTES) this.#writeBlock();
    }
  }

  #writeBlock(): void {
    if (this.#blockLength === 0) return;
    if (this.#file?.write(this.#block.subarray(0, this.#blockLength)) === false) this.#body.pause();
    this.#block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    this.#blockLength = 0;
  }

  end(): void {
    if (this.#over) return;
    if (this.#file === undefined) {
      this.#over = true;
      this.#done(null, { bytes: this.#memory.bytes });
      return;
    }
    this.#writeBlock();
    // Not the callback of `end`, which is called after a failure as well.
    this.#file.once('finish', () => {
      if (this.#over) return;
      this.#over = true;
      this.#done(null, {
        path: this.#path,
        length: this.#length,
        dispose: () => removeQuietly(this.#path),
      });
    });
    this.#file.end();
  }

  error(error: Error): void {
    if (this.#over) return;
    this.#over = true;
    // Removed when it is closed: before that it may be about to be made.
    this.#file?.once('close', () => removeQuietly(this.#path)).destroy();
    this.#done(error, null);
  }

  /** Makes the file, with what is in memory in it; undefined if there is no place for it, which is told. */
  #open(): WriteStream | undefined {
    try {
      this.#path = join(this.#options.folder(), `body-${randomBytes(9).toString('base64url')}`);
    } catch (error) {
      this.#failed(error as Error);
      return undefined;
    }
    const file = createWriteStream(this.#path, { flags: 'wx', mode: 0o600, highWaterMark: 1_048_576 });
    const mode = this.#options.mode?.() ?? null;
    if (mode !== null) file.once('open', (fd) => fchmodSync(fd, mode));
    file.on('drain', () => this.#body.resume());
    file.on('error', (error) => this.#failed(error));
    if (this.#length > 0) file.write(this.#memory.bytes);
    this.#memory = NOTHING;
    this.#block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    return file;
  }

  #failed(cause: Error): void {
    const message = `the request body cannot be stored: ${cause.message}; is there room in TMPDIR?`;
    this.error(new GatewayError(503, 'XGI_BODY_SPOOL', message, { cause }));
  }
}
