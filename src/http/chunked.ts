/** The chunked transfer coding: size lines (RFC 9112 section 7.1). */
import { RemoteProtocolError } from '../errors.js';
import { CR, LF, TEXT } from './chars.js';

/** A size line longer than this is an attack: nobody uses chunk extensions. */
const MAX_LINE_BYTES = 256;
/** All extensions of one body. Without a bound, a body of a few bytes costs 250 times as many to read (CVE-2024-22019). */
const MAX_EXTENSION_BYTES = 16_384;

// chunk-size [ chunk-ext ], 13 digits and fewer stay exact in a double.
const CHUNK_LINE =
  /^([0-9A-Fa-f]{1,13})(?:[ \t]*;[ \t]*[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:[ \t]*=[ \t]*(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+|"(?:[^"\\]|\\.)*"))?)*$/;

/** Reads one chunk-size line, in whatever pieces it arrives. */
export class ChunkLine {
  /** The offset behind what has been read. */
  at = 0;
  #text = '';
  #extensionBytes = 0;

  /** Begins a body. */
  reset(): void {
    this.#extensionBytes = 0;
  }

  /**
   * @returns the size, or -1 if the line is not complete
   * @throws RemoteProtocolError 400
   */
  scan(bytes: Buffer, start: number, end: number): number {
    let i = start;
    while (i < end && TEXT[bytes[i]!] === 1) i++;
    if (this.#text.length + i - start > MAX_LINE_BYTES) bad('a chunk-size line is too long');
    if (i === end || (bytes[i] === CR && i + 1 === end)) {
      this.#text += bytes.toString('latin1', start, i);
      this.at = i;
      return -1;
    }
    if (bytes[i] !== CR || bytes[i + 1] !== LF)
      bad('a chunk-size line holds a control character, or ends in CR or LF alone');
    const line = CHUNK_LINE.exec(this.#text + bytes.toString('latin1', start, i));
    if (line === null) return bad('a chunk-size line is not a hexadecimal size and well-formed extensions');
    this.#text = '';
    this.#extensionBytes += line[0].length - line[1]!.length;
    if (this.#extensionBytes > MAX_EXTENSION_BYTES) bad('the chunk extensions of the body are too long');
    this.at = i + 2;
    return Number.parseInt(line[1]!, 16);
  }
}

function bad(message: string): never {
  throw new RemoteProtocolError(400, 'XGI_HTTP_CHUNK', message);
}
