/**
 * Reads the HTTP/1.1 answers of one connection (RFC 9112), without I/O, one after another. It judges a server, so it forgives
 * nothing: an answer has exactly one framing, a length that is digits, fields without doubles that matter, no interim
 * answers (none are asked for), and is not ended by the end of the connection, since a truncation would look the same.
 */

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
  /** Whether another request may follow on the connection. */
  readonly keepAlive: boolean;
}

interface Head {
  readonly status: number;
  readonly keepAlive: boolean;
  /** Bytes of the body, or undefined if it is chunked. */
  readonly length: number | undefined;
}

type State = 'head' | 'body' | 'chunk size' | 'chunk data' | 'trailer';

const MAX_HEAD_BYTES = 65_536;
const STATUS_LINE = /^HTTP\/1\.1 ([2-5]\d\d) [\t\x20-\x7e\x80-\xff]*$/;
const FIELD =
  /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?[ \t]*$/;

export class AnswerParser {
  readonly #onAnswer: (answer: Answer) => void;
  #state: State = 'head';
  #unread: Buffer = Buffer.alloc(0);
  #head: Head | undefined;
  #pieces: Buffer[] = [];
  #left = 0;

  constructor(onAnswer: (answer: Answer) => void) {
    this.#onAnswer = onAnswer;
  }

  /** Bytes have come that belong to no answer that was handed on, and to none that has begun to be read. */
  get hasUnread(): boolean {
    return this.#unread.length > 0;
  }

  /** @throws when the bytes are not answers */
  push(bytes: Buffer): void {
    this.#unread = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes]);
    while (this.#advance());
  }

  /** One step; false if more bytes are needed. */
  #advance(): boolean {
    switch (this.#state) {
      case 'head':
        return this.#readHead();
      case 'body':
        this.#take();
        return this.#left === 0 && this.#complete();
      case 'chunk size':
        return this.#readChunkSize();
      case 'chunk data':
        return this.#readChunkData();
      case 'trailer':
        return this.#readTrailer();
    }
  }

  #readHead(): boolean {
    const end = this.#unread.indexOf('\r\n\r\n');
    if (end < 0) {
      if (this.#unread.length > MAX_HEAD_BYTES) throw new Error('a head has no end');
      return false;
    }
    this.#head = parseHead(this.#unread.toString('latin1', 0, end));
    this.#unread = this.#unread.subarray(end + 4);
    this.#left = this.#head.length ?? 0;
    this.#state = this.#head.length === undefined ? 'chunk size' : 'body';
    return true;
  }

  #readChunkSize(): boolean {
    const line = this.#line();
    if (line === undefined) return false;
    if (!/^[0-9a-fA-F]{1,8}$/.test(line)) throw new Error(`not a chunk size: ${JSON.stringify(line)}`);
    this.#left = Number.parseInt(line, 16);
    this.#state = this.#left === 0 ? 'trailer' : 'chunk data';
    return true;
  }

  #readChunkData(): boolean {
    this.#take();
    if (this.#left > 0 || this.#unread.length < 2) return false;
    if (this.#unread.toString('latin1', 0, 2) !== '\r\n') throw new Error('a chunk is longer than its size');
    this.#unread = this.#unread.subarray(2);
    this.#state = 'chunk size';
    return true;
  }

  #readTrailer(): boolean {
    const line = this.#line();
    if (line === undefined) return false;
    if (line !== '') throw new Error(`a trailer nobody asked for: ${JSON.stringify(line)}`);
    return this.#complete();
  }

  #complete(): boolean {
    const { status, keepAlive } = this.#head!;
    const body = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces);
    this.#head = undefined;
    this.#pieces = [];
    this.#state = 'head';
    this.#onAnswer({ status, keepAlive, body });
    return this.#unread.length > 0;
  }

  #take(): void {
    const piece = this.#unread.subarray(0, this.#left);
    if (piece.length === 0) return;
    this.#unread = this.#unread.subarray(piece.length);
    this.#left -= piece.length;
    this.#pieces.push(piece);
  }

  #line(): string | undefined {
    const end = this.#unread.indexOf('\r\n');
    if (end < 0) {
      if (this.#unread.length > MAX_HEAD_BYTES) throw new Error('a line has no end');
      return undefined;
    }
    const line = this.#unread.toString('latin1', 0, end);
    this.#unread = this.#unread.subarray(end + 2);
    return line;
  }
}

function parseHead(text: string): Head {
  const [statusLine = '', ...lines] = text.split('\r\n');
  const status = STATUS_LINE.exec(statusLine)?.[1];
  if (status === undefined)
    throw new Error(`not the status line of an answer: ${JSON.stringify(statusLine)}`);
  const fields = new Map<string, string>();
  for (const line of lines) {
    const match = FIELD.exec(line);
    if (match === null) throw new Error(`not a field: ${JSON.stringify(line)}`);
    const name = match[1]!.toLowerCase();
    if (fields.has(name)) throw new Error(`the field ${name} comes twice`);
    fields.set(name, match[2] ?? '');
  }
  return { status: Number(status), keepAlive: readConnection(fields), length: readLength(fields) };
}

function readConnection(fields: ReadonlyMap<string, string>): boolean {
  const connection = fields.get('connection')?.toLowerCase() ?? 'keep-alive';
  if (connection !== 'close' && connection !== 'keep-alive')
    throw new Error(`Connection: ${connection} is not what a server says to this client`);
  return connection === 'keep-alive';
}

function readLength(fields: ReadonlyMap<string, string>): number | undefined {
  const length = fields.get('content-length');
  const coding = fields.get('transfer-encoding');
  if (length !== undefined && coding !== undefined) throw new Error('the answer has two framings');
  if (coding?.toLowerCase() === 'chunked') return undefined;
  if (coding !== undefined) throw new Error(`Transfer-Encoding: ${coding} was not asked for`);
  if (length === undefined || !/^\d{1,12}$/.test(length))
    throw new Error(`the answer has no length: Content-Length is ${length ?? 'missing'}`);
  return Number(length);
}
