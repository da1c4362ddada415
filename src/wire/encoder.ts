/**
 * Frames towards a worker, collected into one buffer, so that many small requests leave in one write.
 */
import { LocalProtocolError } from '../errors.js';
import {
  FileAckFlag,
  FRAME_HEADER_BYTES,
  FrameType,
  MAX_PAYLOAD_BYTES,
  RequestFlag,
  RunFlag,
  type Command,
  type HelloSettings,
  type LauncherSettings,
  type SpawnerSettings,
  type StartLine,
} from './frames.js';

const INITIAL_BYTES = 65_536;
/** A larger buffer is given up when it has been flushed. */
const MAX_KEPT_BYTES = 1_048_576;
const MAX_SPARE = 4;

export interface RequestFrame {
  readonly stream: number;
  /** name NUL value NUL name NUL value, latin-1. */
  readonly environ: string;
  /** The whole body, or the path of the file that holds it. */
  readonly body: Buffer | { readonly path: string } | null;
  /** The method is safe (RFC 9110 section 9.2.1). */
  readonly safe: boolean;
}

export interface RunFrame {
  readonly stream: number;
  readonly command: Command;
  /** name NUL value NUL name NUL value, latin-1. */
  readonly environ: string;
  /** What the program reads, if the command names no file for it. */
  readonly body: Buffer;
  /** That is only the beginning: `body` and `bodyEnd` follow. */
  readonly more: boolean;
}

const EMPTY = Buffer.alloc(0);

export class FrameEncoder {
  #buffer: Buffer = EMPTY;
  #length = 0;
  readonly #spare: Buffer[] = [];
  /** Of the BODY that was collected last. */
  #bodyStream = 0;
  #bodyStart = 0;
  #bodyEnd = -1;

  /** Bytes collected and not flushed. */
  get length(): number {
    return this.#length;
  }

  /**
   * Gives what was collected to `write` in one piece. `write` tells whether the bytes have left already: then their memory
   * is used again, else it belongs to whoever is still sending it.
   */
  flush(write: (bytes: Buffer) => boolean): void {
    if (this.#length === 0) return;
    const buffer = this.#buffer;
    const length = this.#length;
    this.#length = 0;
    this.#bodyEnd = -1;
    if (!write(buffer.subarray(0, length)) || buffer.length > MAX_KEPT_BYTES) this.#buffer = EMPTY;
  }

  /**
   * Takes memory back that a flush has given away, when its bytes have left. An upload at full speed would leave garbage of its own size
   * otherwise, which the collector does not hurry to look for.
   */
  reuse(bytes: Buffer): void {
    if (bytes.buffer.byteLength <= MAX_KEPT_BYTES && this.#spare.length < MAX_SPARE)
      this.#spare.push(Buffer.from(bytes.buffer));
  }

  /** @throws LocalProtocolError XGI_WIRE_REQUEST_SIZE if they do not fit into a frame, as the environment is too large */
  hello(settings: HelloSettings | LauncherSettings | SpawnerSettings): void {
    const text = Buffer.from(JSON.stringify(settings));
    checkSize(text.length);
    this.#bytes(FrameType.HELLO, 0, text);
  }

  /** @throws LocalProtocolError XGI_WIRE_REQUEST_SIZE if environ and body do not fit into a frame */
  request(request: RequestFrame): void {
    const { environ, body } = request;
    const tail = body === null ? undefined : Buffer.isBuffer(body) ? body : Buffer.from(body.path);
    const payload = 4 + environ.length + (tail === undefined ? 0 : tail.length);
    checkSize(payload);
    const flags =
      (body !== null && !Buffer.isBuffer(body) ? RequestFlag.SPOOLED : 0) |
      (request.safe ? RequestFlag.SAFE : 0);
    let at = this.#begin(FrameType.REQUEST, request.stream, flags, payload);
    const buffer = this.#buffer;
    at = writeU32(buffer, at, environ.length);
    at += buffer.write(environ, at, 'latin1');
    if (tail !== undefined) tail.copy(buffer, at);
  }

  drain(): void {
    this.#begin(FrameType.DRAIN, 0, 0, 0);
  }

  abort(stream: number): void {
    this.#begin(FrameType.ABORT, stream, 0, 0);
  }

  credit(stream: number, bytes: number): void {
    const at = this.#begin(FrameType.CREDIT, stream, 0, 4);
    writeU32(this.#buffer, at, bytes);
  }

  fileAck(stream: number, taken: boolean): void {
    this.#begin(FrameType.FILE_ACK, stream, taken ? FileAckFlag.TAKEN : 0, 0);
  }

  recall(streams: readonly number[]): void {
    let at = this.#begin(FrameType.RECALL, 0, 0, streams.length * 4);
    for (const stream of streams) at = writeU32(this.#buffer, at, stream);
  }

  interrupt(stream: number): void {
    this.#begin(FrameType.INTERRUPT, stream, 0, 0);
  }

  /** @param payload 8 bytes that the PONG brings back */
  ping(payload: Buffer): void {
    this.#bytes(FrameType.PING, 0, payload);
  }

  /**
   * Has a zygote fork a worker, or a spawner start one.
   *
   * @param id comes back in its FORKED
   */
  fork(id: number, start: StartLine): void {
    this.#bytes(FrameType.FORK, 0, Buffer.from(JSON.stringify({ id, start })));
  }

  /** Has a spawner send a signal. @param number of the signal */
  signal(pid: number, number: number): void {
    const at = this.#begin(FrameType.SIGNAL, 0, 0, 8);
    writeU32(this.#buffer, writeU32(this.#buffer, at, pid), number);
  }

  /**
   * Has a launcher run a program.
   *
   * @throws LocalProtocolError XGI_WIRE_REQUEST_SIZE if it does not fit into a frame
   */
  run({ stream, command, environ, body, more }: RunFrame): void {
    const text = Buffer.from(JSON.stringify(command));
    const payload = 8 + text.length + environ.length + body.length;
    checkSize(payload);
    let at = this.#begin(FrameType.RUN, stream, more ? RunFlag.MORE : 0, payload);
    const buffer = this.#buffer;
    at = writeU32(buffer, at, text.length);
    at += text.copy(buffer, at);
    at = writeU32(buffer, at, environ.length);
    at += buffer.write(environ, at, 'latin1');
    body.copy(buffer, at);
  }

  /**
   * Pieces that follow one another become one frame: a client may send a body in chunks of one byte, and a frame costs its reader a thousand times
   * what a byte does.
   *
   * @param chunk at least one byte; it is copied
   */
  body(stream: number, chunk: Buffer): void {
    const payload = this.#bodyEnd - this.#bodyStart - FRAME_HEADER_BYTES + chunk.length;
    if (this.#bodyEnd === this.#length && this.#bodyStream === stream && payload <= MAX_PAYLOAD_BYTES) {
      this.#reserve(chunk.length);
      this.#length += chunk.copy(this.#buffer, this.#length);
      writeU32(this.#buffer, this.#bodyStart, payload);
    } else {
      this.#bodyStream = stream;
      this.#bodyStart = this.#length;
      this.#bytes(FrameType.BODY, stream, chunk);
    }
    this.#bodyEnd = this.#length;
  }

  bodyEnd(stream: number): void {
    this.#begin(FrameType.BODY_END, stream, 0, 0);
  }

  /** Has a launcher give up its zygotes. */
  reload(): void {
    this.#begin(FrameType.RELOAD, 0, 0, 0);
  }

  #bytes(type: number, stream: number, payload: Buffer): void {
    const at = this.#begin(type, stream, 0, payload.length);
    payload.copy(this.#buffer, at);
  }

  /** Writes a header, makes room for the payload and counts both; returns where the payload goes. */
  #begin(type: number, stream: number, flags: number, payload: number): number {
    const start = this.#length;
    this.#reserve(FRAME_HEADER_BYTES + payload);
    const buffer = this.#buffer;
    const at = writeU32(buffer, writeU32(buffer, start, payload), stream);
    buffer[at] = type;
    buffer[at + 1] = flags;
    buffer[at + 2] = 0;
    buffer[at + 3] = 0;
    this.#length = at + 4 + payload;
    return at + 4;
  }

  #reserve(bytes: number): void {
    const end = this.#length + bytes;
    if (end <= this.#buffer.length) return;
    const larger = this.#memory(Math.max(end, this.#buffer.length * 2, INITIAL_BYTES));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }

  #memory(bytes: number): Buffer {
    const found = this.#spare.findIndex((spare) => spare.length >= bytes);
    if (found !== -1) return this.#spare.splice(found, 1)[0]!;
    return Buffer.allocUnsafeSlow(Math.ceil(bytes / INITIAL_BYTES) * INITIAL_BYTES);
  }
}

function checkSize(payload: number): void {
  if (payload <= MAX_PAYLOAD_BYTES) return;
  throw new LocalProtocolError(
    'XGI_WIRE_REQUEST_SIZE',
    `a request of ${payload} bytes does not fit into a frame`,
  );
}

/** Four stores: `Buffer.writeUInt32LE` checks its arguments, which costs more than the write. */
function writeU32(buffer: Buffer, at: number, value: number): number {
  buffer[at] = value;
  buffer[at + 1] = value >>> 8;
  buffer[at + 2] = value >>> 16;
  buffer[at + 3] = value >>> 24;
  return at + 4;
}
