/**
 * Finds and checks the lines of one head, as bytes arrive: a request line and field lines, or trailer lines.
 *
 * Every byte is looked at once, whatever pieces the head arrives in. The places of names and values are kept as offsets
 * from the start of the head, and become strings only when the head is complete. Line ends are CR LF and nothing else;
 * continuation lines (obs-fold) are refused (RFC 9112 sections 2.2 and 5).
 */
import { RemoteProtocolError } from '../../errors.js';
import type { HttpLimits } from '../../types.js';
import { COLON, CR, HTAB, LF, SP, TARGET, TEXT, TOKEN } from '../../http/chars.js';

/** A head of this many fields needs no growing of the offset table. */
const USUAL_FIELDS = 32;

export class HeadLines {
  /** Ends of method and target and the minor version, for a request; see {@link HeadLines.line}. */
  methodEnd = 0;
  targetEnd = 0;
  minor: 0 | 1 = 1;
  /** Number of complete field lines. */
  count = 0;
  /** Four offsets a field: name start, name end, value start, value end. */
  places: Int32Array = new Int32Array(USUAL_FIELDS * 4);
  readonly #limits: HttpLimits;
  #lineStart = 0;
  #scanned = 0;
  /** Whether the next line is a request line; false while trailers are read. */
  #atRequestLine = true;

  constructor(limits: HttpLimits) {
    this.#limits = limits;
  }

  /** @param trailers there is no request line */
  reset(trailers: boolean): void {
    this.count = 0;
    this.#lineStart = 0;
    this.#scanned = 0;
    this.#atRequestLine = !trailers;
  }

  /**
   * Scans on.
   *
   * @param bytes holds the head from `base` on; what is before `end` and was scanned before is the same as then
   * @returns the length of the whole head with its empty line, or -1 if there is more to come
   * @throws RemoteProtocolError 400, 414, 431 or 505
   */
  scan(bytes: Buffer, base: number, end: number): number {
    let i = base + this.#scanned;
    for (;;) {
      // Every byte of a head goes through here, once.
      while (i < end && TEXT[bytes[i]!] === 1) i++;
      if (i === end || (bytes[i] === CR && i + 1 === end)) {
        this.#scanned = i - base;
        this.#checkSize(this.#scanned - this.#lineStart, this.#scanned);
        return -1;
      }
      if (bytes[i] !== CR || bytes[i + 1] !== LF) refuseByte(bytes[i]!);
      const lineStart = base + this.#lineStart;
      this.#checkSize(i - lineStart, i - base);
      this.#lineStart = i + 2 - base;
      if (i === lineStart) {
        if (!this.#atRequestLine) return this.#lineStart;
        bad('XGI_HTTP_REQUEST_LINE', 'more than one empty line before the request line');
      } else if (this.#atRequestLine) {
        this.#requestLine(bytes, base, lineStart, i);
        this.#atRequestLine = false;
      } else {
        this.#fieldLine(bytes, base, lineStart, i);
      }
      i += 2;
    }
  }

  #checkSize(line: number, head: number): void {
    const limits = this.#limits;
    if (this.#atRequestLine) {
      if (line > limits.maxRequestLineBytes) {
        throw new RemoteProtocolError(
          414,
          'XGI_HTTP_TARGET_SIZE',
          `the request line is longer than ${limits.maxRequestLineBytes} bytes`,
        );
      }
    } else if (line > limits.maxFieldBytes) {
      throw new RemoteProtocolError(
        431,
        'XGI_HTTP_FIELD_SIZE',
        `a header field is longer than ${limits.maxFieldBytes} bytes`,
      );
    }
    if (head > limits.maxHeadBytes) {
      throw new RemoteProtocolError(
        431,
        'XGI_HTTP_HEAD_SIZE',
        `the head is longer than ${limits.maxHeadBytes} bytes`,
      );
    }
  }

  /** method SP target SP HTTP/1.x, with single spaces (RFC 9112 section 3). */
  #requestLine(bytes: Buffer, base: number, start: number, end: number): void {
    let i = start;
    while (i < end && TOKEN[bytes[i]!] === 1) i++;
    if (i === start || bytes[i] !== SP)
      bad('XGI_HTTP_METHOD', 'the method is not a token followed by one space');
    this.methodEnd = i - base;
    const targetStart = ++i;
    while (i < end && TARGET[bytes[i]!] === 1) i++;
    if (i === targetStart || i === end || bytes[i] !== SP) {
      bad(
        'XGI_HTTP_TARGET',
        'the target is empty, holds a fragment or a white space, or no version follows it',
      );
    }
    this.targetEnd = i - base;
    this.minor = version(bytes, i + 1, end);
  }

  #fieldLine(bytes: Buffer, base: number, start: number, end: number): void {
    if (this.count === this.#limits.maxFields) {
      throw new RemoteProtocolError(
        431,
        'XGI_HTTP_FIELD_COUNT',
        `more than ${this.#limits.maxFields} header fields`,
      );
    }
    let i = start;
    while (i < end && TOKEN[bytes[i]!] === 1) i++;
    if (i === start || i === end || bytes[i] !== COLON) refuseName(bytes, start, i, end);
    const nameEnd = i++;
    while (i < end && isBlank(bytes[i]!)) i++;
    let valueEnd = end;
    while (valueEnd > i && isBlank(bytes[valueEnd - 1]!)) valueEnd--;
    const at = this.count++ * 4;
    if (at === this.places.length) {
      const larger = new Int32Array(this.places.length * 2);
      larger.set(this.places);
      this.places = larger;
    }
    this.places[at] = start - base;
    this.places[at + 1] = nameEnd - base;
    this.places[at + 2] = i - base;
    this.places[at + 3] = valueEnd - base;
  }
}

/** `HTTP/1.0` or `HTTP/1.1`; other minor versions of 1 are read as 1.1 (RFC 9110 section 2.5). */
function version(bytes: Buffer, start: number, end: number): 0 | 1 {
  if (
    end - start === 8 &&
    bytes[start + 5] === 0x31 &&
    bytes.toString('latin1', start, start + 5) === 'HTTP/' &&
    bytes[start + 6] === 0x2e
  ) {
    const digit = bytes[start + 7]! - 0x30;
    if (digit === 1) return 1;
    if (digit === 0) return 0;
    if (digit > 1 && digit <= 9) return 1;
  }
  if (/^HTTP\/[0-9]\.[0-9]$/.test(bytes.toString('latin1', start, Math.min(end, start + 16)))) {
    throw new RemoteProtocolError(505, 'XGI_HTTP_VERSION', 'the version is not HTTP/1.0 or HTTP/1.1');
  }
  return bad('XGI_HTTP_REQUEST_LINE', 'the request line does not end in one space and HTTP/1.1');
}

function refuseByte(byte: number): never {
  if (byte === LF) bad('XGI_HTTP_BARE_LF', 'a line ends in LF without CR');
  if (byte === CR) bad('XGI_HTTP_BARE_CR', 'a CR without LF');
  bad('XGI_HTTP_CONTROL', `the head holds the control character 0x${byte.toString(16).padStart(2, '0')}`);
}

function refuseName(bytes: Buffer, start: number, at: number, end: number): never {
  const byte = at === end ? -1 : bytes[at]!;
  if (at === start && isBlank(byte)) bad('XGI_HTTP_FOLD', 'a header line begins with white space (obs-fold)');
  if (isBlank(byte)) bad('XGI_HTTP_FIELD_NAME', 'white space between field name and colon');
  bad('XGI_HTTP_FIELD_NAME', 'a header line without a name that is a token and a colon');
}

function isBlank(byte: number): boolean {
  return byte === SP || byte === HTAB;
}

function bad(code: `XGI_HTTP_${Uppercase<string>}`, message: string): never {
  throw new RemoteProtocolError(400, code, message);
}
