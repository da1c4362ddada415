/**
 * Reads one HTTP/1.1 response from bytes as they come (RFC 9112), without I/O. It judges servers, so it forgives
 * nothing: bytes after the end are an error, and so is an end before the body is complete.
 */

export interface ResponseHead {
  readonly status: number;
  /** By lower-case name; the last of repeated fields. */
  readonly fields: ReadonlyMap<string, string>;
  /** True if another request may follow on the connection. */
  readonly keepAlive: boolean;
}

type Framing = 'length' | 'chunked' | 'until close';
type State = 'head' | 'body' | 'chunk size' | 'chunk data' | 'trailer' | 'complete';

const MAX_LINE_BYTES = 65_536;

export class ResponseReader {
  readonly #onBody: (piece: Buffer) => void;
  #state: State = 'head';
  #unread: Buffer = Buffer.alloc(0);
  #left = 0;
  #framing: Framing = 'length';
  #head: ResponseHead | undefined;

  /** The piece that `onBody` gets is the reader's: copy what is kept. */
  constructor(onBody: (piece: Buffer) => void) {
    this.#onBody = onBody;
  }

  get isComplete(): boolean {
    return this.#state === 'complete';
  }

  /** @throws before the head is complete. */
  get head(): ResponseHead {
    if (!this.#head) throw new Error('no response head came');
    return this.#head;
  }

  /** @throws when the bytes are not a response. */
  push(bytes: Buffer): void {
    this.#unread = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes]);
    while (this.#advance());
    if (this.isComplete && this.#unread.length > 0) {
      throw new Error(`${this.#unread.length} bytes came after the end of the response`);
    }
  }

  /** The peer has closed. @throws when the response is not complete by that. */
  end(): void {
    if (this.#state === 'body' && this.#framing === 'until close') this.#state = 'complete';
    if (!this.isComplete) throw new Error('the connection was closed before the response was complete');
  }

  /** One step; false if more bytes are needed or the response is complete. */
  #advance(): boolean {
    switch (this.#state) {
      case 'head':
        return this.#readHead();
      case 'body':
        return this.#readBody();
      case 'chunk size':
        return this.#readChunkSize();
      case 'chunk data':
        return this.#readChunkData();
      case 'trailer':
        return this.#readTrailer();
      case 'complete':
        return false;
    }
  }

  #readHead(): boolean {
    const end = this.#unread.indexOf('\r\n\r\n');
    if (end < 0) return this.#needMore();
    const head = parseHead(this.#unread.toString('latin1', 0, end));
    this.#unread = this.#unread.subarray(end + 4);
    if (head.status < 200) return true;
    this.#framing = framingOf(head);
    this.#head = this.#framing === 'until close' ? { ...head, keepAlive: false } : head;
    this.#left = Number(head.fields.get('content-length') ?? 0);
    this.#state = this.#framing === 'chunked' ? 'chunk size' : 'body';
    return true;
  }

  #readBody(): boolean {
    if (this.#framing === 'until close') {
      this.#take(this.#unread.length);
      return false;
    }
    this.#left -= this.#take(this.#left);
    if (this.#left === 0) this.#state = 'complete';
    return false;
  }

  #readChunkSize(): boolean {
    const line = this.#line();
    if (line === undefined) return false;
    const size = /^[0-9a-fA-F]+/.exec(line)?.[0];
    if (size === undefined) throw new Error(`not a chunk size: ${JSON.stringify(line)}`);
    this.#left = parseInt(size, 16);
    this.#state = this.#left === 0 ? 'trailer' : 'chunk data';
    return true;
  }

  #readChunkData(): boolean {
    this.#left -= this.#take(this.#left);
    if (this.#left > 0 || this.#unread.length < 2) return false;
    if (this.#unread.toString('latin1', 0, 2) !== '\r\n') throw new Error('a chunk is longer than its size');
    this.#unread = this.#unread.subarray(2);
    this.#state = 'chunk size';
    return true;
  }

  #readTrailer(): boolean {
    const line = this.#line();
    if (line === undefined) return false;
    if (line === '') this.#state = 'complete';
    return true;
  }

  /** Hands on at most that many of the unread bytes, and says how many there were. */
  #take(most: number): number {
    const piece = this.#unread.subarray(0, most);
    this.#unread = this.#unread.subarray(piece.length);
    if (piece.length > 0) this.#onBody(piece);
    return piece.length;
  }

  #line(): string | undefined {
    const end = this.#unread.indexOf('\r\n');
    if (end < 0) {
      this.#needMore();
      return undefined;
    }
    const line = this.#unread.toString('latin1', 0, end);
    this.#unread = this.#unread.subarray(end + 2);
    return line;
  }

  #needMore(): false {
    if (this.#unread.length > MAX_LINE_BYTES) throw new Error('a line or a head has no end');
    return false;
  }
}

function parseHead(text: string): ResponseHead {
  const [statusLine = '', ...lines] = text.split('\r\n');
  const match = /^HTTP\/1\.([01]) (\d{3})( |$)/.exec(statusLine);
  if (!match) throw new Error(`not a status line: ${JSON.stringify(statusLine)}`);
  const fields = new Map(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(':');
      if (colon < 1) throw new Error(`not a header field: ${JSON.stringify(line)}`);
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const connection = fields.get('connection')?.toLowerCase();
  const keepAlive = match[1] === '1' ? connection !== 'close' : connection === 'keep-alive';
  return { status: Number(match[2]), fields, keepAlive };
}

function framingOf({ status, fields }: ResponseHead): Framing {
  if (fields.get('transfer-encoding')?.toLowerCase() === 'chunked') return 'chunked';
  if (fields.has('content-length') || status === 204 || status === 304) return 'length';
  return 'until close';
}
