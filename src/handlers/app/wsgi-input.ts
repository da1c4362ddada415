/** `wsgi.input`: a request body, read as Python reads files. */
import { requestChunks } from '../../bodies/request-bytes.js';
import type { RequestBody } from '../../types.js';
import type { WsgiInput } from './wsgi-types.js';

const NOTHING = Buffer.alloc(0);
const LINE_FEED = 0x0a;

/** Nothing is read from the client before the first call. Calls that overlap are answered one after the other. */
export class BodyInput implements WsgiInput {
  /** Somebody has read from it. */
  isTouched = false;
  readonly #body: RequestBody | null;
  #chunks: AsyncGenerator<Buffer, void, void> | undefined;
  #unread: Buffer = NOTHING;
  #last: Promise<unknown> = Promise.resolve();

  constructor(body: RequestBody | null) {
    this.#body = body;
  }

  read(size = -1): Promise<Buffer> {
    return this.#next(() => (size < 0 ? this.#readAll() : this.#readUpTo(size)));
  }

  readline(size = -1): Promise<Buffer> {
    return this.#next(() => this.#readLine(size < 0 ? Number.POSITIVE_INFINITY : size));
  }

  async readlines(hint = -1): Promise<Buffer[]> {
    const lines: Buffer[] = [];
    let length = 0;
    for await (const line of this) {
      lines.push(line);
      length += line.length;
      if (hint > 0 && length >= hint) break;
    }
    return lines;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, void> {
    for (;;) {
      const line = await this.readline();
      if (line.length === 0) return;
      yield line;
    }
  }

  #next(read: () => Promise<Buffer>): Promise<Buffer> {
    this.isTouched = true;
    const result = this.#last.then(read);
    this.#last = result.catch(() => {});
    return result;
  }

  async #readAll(): Promise<Buffer> {
    const parts = [this.#unread];
    this.#unread = NOTHING;
    for (;;) {
      const chunk = await this.#pull();
      if (chunk === undefined) return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
      parts.push(chunk);
    }
  }

  async #readUpTo(size: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    let missing = size;
    while (missing > 0) {
      if (this.#unread.length === 0) {
        const chunk = await this.#pull();
        if (chunk === undefined) break;
        this.#unread = chunk;
      }
      const part = this.#take(Math.min(missing, this.#unread.length));
      parts.push(part);
      missing -= part.length;
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  async #readLine(maxBytes: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    let missing = maxBytes;
    while (missing > 0) {
      if (this.#unread.length === 0) {
        const chunk = await this.#pull();
        if (chunk === undefined) break;
        this.#unread = chunk;
      }
      const end = this.#unread.indexOf(LINE_FEED) + 1;
      const part = this.#take(Math.min(missing, end === 0 ? this.#unread.length : end));
      parts.push(part);
      missing -= part.length;
      if (part.at(-1) === LINE_FEED) break;
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  #take(length: number): Buffer {
    const part = this.#unread.subarray(0, length);
    this.#unread = this.#unread.subarray(length);
    return part;
  }

  async #pull(): Promise<Buffer | undefined> {
    this.#chunks ??= requestChunks(this.#body);
    const { value } = await this.#chunks.next();
    return value ?? undefined;
  }
}
