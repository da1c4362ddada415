/** The body of an `nph-` program that sends it in chunks (RFC 9112 section 7.1): chunks in, their content out. The server frames it anew. */
import { GatewayError, RemoteProtocolError } from '../../errors.js';
import { CR, LF } from '../../http/chars.js';
import { ChunkLine } from '../../http/chunked.js';

/** The longest trailer section, which is dropped. */
const MAX_TRAILER_BYTES = 8192;

export class ChunkedOutput {
  readonly #line = new ChunkLine();
  #state: 'size' | 'content' | 'content-end' | 'trailer' | 'complete' = 'size';
  /** Bytes of the current chunk still to come. */
  #left = 0;
  /** The beginning of a line end, or of a trailer. */
  #rest: Buffer = Buffer.alloc(0);
  #trailerBytes = 0;

  /** The last chunk has come. What follows is dropped. */
  get isComplete(): boolean {
    return this.#state === 'complete';
  }

  /**
   * @returns the content in it, as parts of its memory
   * @throws GatewayError 502 `XGI_CGI_BAD_CHUNK`
   */
  push(chunk: Buffer): Buffer[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = Buffer.alloc(0);
    const content: Buffer[] = [];
    let at = 0;
    while (at < bytes.length && this.#state !== 'complete') {
      const next = this.#step(bytes, at, content);
      if (next === at) break;
      at = next;
    }
    if (this.#state !== 'complete') this.#rest = bytes.subarray(at);
    return content;
  }

  /** @returns the offset behind what was read; the same one if more is needed */
  #step(bytes: Buffer, at: number, content: Buffer[]): number {
    switch (this.#state) {
      case 'size':
        return this.#size(bytes, at);
      case 'content': {
        const end = Math.min(bytes.length, at + this.#left);
        content.push(bytes.subarray(at, end));
        this.#left -= end - at;
        if (this.#left === 0) this.#state = 'content-end';
        return end;
      }
      case 'content-end':
        if (bytes.length - at < 2) return at;
        if (bytes[at] !== CR || bytes[at + 1] !== LF) throw broken('a chunk is longer than its size');
        this.#state = 'size';
        return at + 2;
      default:
        return this.#trailer(bytes, at);
    }
  }

  #size(bytes: Buffer, at: number): number {
    try {
      const size = this.#line.scan(bytes, at, bytes.length);
      if (size === -1) return this.#line.at;
      this.#left = size;
      this.#state = size === 0 ? 'trailer' : 'content';
      return this.#line.at;
    } catch (error) {
      if (error instanceof RemoteProtocolError) throw broken(error.message);
      throw error;
    }
  }

  #trailer(bytes: Buffer, at: number): number {
    const end = bytes.indexOf(LF, at);
    if (this.#trailerBytes + (end === -1 ? bytes.length : end) - at > MAX_TRAILER_BYTES)
      throw broken('its trailer is too long');
    if (end === -1) return at;
    this.#trailerBytes += end + 1 - at;
    if (end === at || (end === at + 1 && bytes[at] === CR)) this.#state = 'complete';
    return end + 1;
  }
}

function broken(observed: string): GatewayError {
  return new GatewayError(
    502,
    'XGI_CGI_BAD_CHUNK',
    `the program sends a chunked body that is broken: ${observed}`,
  );
}
