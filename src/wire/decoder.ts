/**
 * Frames from a worker: bytes in, calls out. Body bytes are handed on as they arrive, never collected; everything else
 * is complete and checked before it is handed on. A worker is not trusted: what breaks docs/protocol.md is a FrameError,
 * and then nothing more is read.
 */
import { FrameError } from '../errors.js';
import {
  FRAME_HEADER_BYTES,
  FrameType,
  HeadFlag,
  LogLevel,
  MAX_PAYLOAD_BYTES,
  StartedFlag,
  TOKEN_BYTES,
  type Channel,
  type ProgramEnd,
  type ReadyInfo,
  type WorkerFailure,
} from './frames.js';

/** A body of at most this many bytes comes as a byte string, which is written to a client in one piece with its head; Node's quick way for strings ends at 16 KiB. */
const SMALL_BODY_BYTES = 12_288;

export interface FileOffer {
  readonly offset: number;
  readonly length: number;
  readonly device: bigint;
  readonly inode: bigint;
  /** Of the whole file, as the worker has seen it; with `mtimeNs`, which version of it this is. */
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly path: string;
}

/** Memory that a chunk lies in: a receiver that keeps the chunk holds it, and releases it when it is done. */
export interface ChunkLease {
  hold(): void;
  release(): void;
}

/** Memory that was given for good. */
const GIVEN: ChunkLease = { hold() {}, release() {} };

/** Receives what a worker says. A chunk is only lent for the call unless its lease is held. */
export interface FrameReceiver {
  ready(info: ReadyInfo): void;
  /** A whole answer. `head` is `status NUL name NUL value …`, latin-1. */
  answer(stream: number, head: string, body: Buffer | string, serviceUs: number, lease: ChunkLease): void;
  /** The head of an answer that goes on. */
  head(stream: number, head: string): void;
  data(stream: number, chunk: Buffer, lease: ChunkLease): void;
  end(stream: number, serviceUs: number): void;
  error(stream: number, failure: WorkerFailure, serviceUs: number): void;
  file(stream: number, offer: FileOffer): void;
  log(stream: number, level: number, text: string): void;
  recalled(streams: readonly number[]): void;
  pong(payload: Buffer): void;
  /** Files of modules that were imported, as absolute paths. A receiver without it is told of none: the frame is refused. */
  files?(paths: readonly string[]): void;
  /** The zygote has answered the FORK `id`: the worker's process id, or why there is none; the other one is null. */
  forked?(id: number, pid: number | null, error: string | null): void;
  /** A worker that the zygote had forked has ended: by `code` or by `signal`; both are null if that is not known. */
  exited?(pid: number, code: number | null, signal: number | null): void;
  /** The program of that run has this process id, which is also its process group's; `warm`: it was forked from a zygote. */
  started?(stream: number, pid: number, warm: boolean): void;
  /** The program wrote to its standard error. */
  stderr?(stream: number, bytes: Buffer): void;
  programEnded?(stream: number, end: ProgramEnd): void;
  /** So many bytes of its body have gone to the program. */
  bodyCredit?(stream: number, bytes: number): void;
  /** Nobody reads its body any more. */
  bodyClosed?(stream: number): void;
}

/** What a launcher says; see {@link FrameReceiver}. */
export type LauncherReceiver = Required<
  Pick<
    FrameReceiver,
    | 'ready'
    | 'data'
    | 'end'
    | 'error'
    | 'log'
    | 'started'
    | 'stderr'
    | 'programEnded'
    | 'bodyCredit'
    | 'bodyClosed'
  >
>;

/** What a spawner says; see {@link FrameReceiver}. */
export type SpawnerReceiver = Required<Pick<FrameReceiver, 'ready' | 'error' | 'log' | 'forked' | 'exited'>>;

/** Where a type may come: on streams, on stream 0, on either; 0: nowhere. */
const ON_STREAMS = 1;
const ON_ZERO = 2;
const ON_ANY = ON_STREAMS | ON_ZERO;

/** By type, where it may come. A look into such a table costs less than one into a Set. */
type Places = Uint8Array;

function placesOf(entries: readonly (readonly [type: number, where: number])[]): Places {
  const places = new Uint8Array(256);
  for (const [type, where] of entries) places[type] = where;
  return places;
}

const BEFORE_AUTH = placesOf([[FrameType.AUTH, ON_ZERO]]);
const AFTER_AUTH: Readonly<Record<Channel, Places>> = {
  D: placesOf([
    [FrameType.READY, ON_ZERO],
    [FrameType.HEAD, ON_STREAMS],
    [FrameType.DATA, ON_STREAMS],
    [FrameType.END, ON_STREAMS],
    [FrameType.ERROR, ON_ANY],
    [FrameType.FILE, ON_STREAMS],
    [FrameType.LOG, ON_ANY],
    [FrameType.FILES, ON_ZERO],
  ]),
  C: placesOf([
    [FrameType.LOG, ON_ANY],
    [FrameType.RECALLED, ON_ZERO],
    [FrameType.PONG, ON_ZERO],
    [FrameType.FILES, ON_ZERO],
  ]),
  Z: placesOf([
    [FrameType.READY, ON_ZERO],
    [FrameType.ERROR, ON_ZERO],
    [FrameType.LOG, ON_ZERO],
    [FrameType.FILES, ON_ZERO],
    [FrameType.FORKED, ON_ZERO],
    [FrameType.EXITED, ON_ZERO],
  ]),
  L: placesOf([
    [FrameType.READY, ON_ZERO],
    [FrameType.DATA, ON_STREAMS],
    [FrameType.END, ON_STREAMS],
    [FrameType.ERROR, ON_STREAMS],
    [FrameType.LOG, ON_ZERO],
    [FrameType.EXITED, ON_STREAMS],
    [FrameType.STARTED, ON_STREAMS],
    [FrameType.STDERR, ON_STREAMS],
    [FrameType.BODY_CREDIT, ON_STREAMS],
    [FrameType.BODY_CLOSED, ON_STREAMS],
  ]),
};

const EMPTY = Buffer.alloc(0);

/** Tells whose connection this is; undefined refuses it. */
export type Authenticate = (token: string, channel: Channel) => FrameReceiver | undefined;

export class FrameDecoder {
  readonly #authenticate: Authenticate;
  #receiver: FrameReceiver | undefined;
  /** What may come: only AUTH, until that has told the channel. */
  #places: Places = BEFORE_AUTH;
  #lease: ChunkLease = GIVEN;
  /** The beginning of a frame that is not complete. */
  #pending: Buffer = EMPTY;
  /** Body bytes of the current frame still to come, for this stream. */
  #bodyLeft = 0;
  #bodyStream = 0;
  /** Whether that frame ends the answer, and its service time. */
  #bodyEnds = false;
  #bodyServiceUs = 0;

  /** @param authenticate is called once, with the AUTH that every connection to our socket begins with */
  constructor(authenticate: Authenticate) {
    this.#authenticate = authenticate;
  }

  /** For the channel that a launcher is born with: nobody else can be at its other end, so there is no AUTH. */
  static launcher(receiver: LauncherReceiver): FrameDecoder {
    return FrameDecoder.#inherited('L', receiver);
  }

  /** The same for a spawner, which speaks as a zygote does. */
  static spawner(receiver: SpawnerReceiver): FrameDecoder {
    return FrameDecoder.#inherited('Z', receiver);
  }

  static #inherited(channel: Channel, receiver: LauncherReceiver | SpawnerReceiver): FrameDecoder {
    const decoder = new FrameDecoder(() => undefined);
    decoder.#places = AFTER_AUTH[channel];
    decoder.#receiver = receiver as FrameReceiver;
    return decoder;
  }

  /** Whether the input so far ends at the border of a frame. */
  get atBorder(): boolean {
    return this.#pending.length === 0 && this.#bodyLeft === 0;
  }

  /**
   * @param lease of the chunk's memory; without it the chunk is given away
   * @throws FrameError; the decoder must not be used again
   */
  push(chunk: Buffer, lease: ChunkLease = GIVEN): void {
    let bytes = chunk;
    this.#lease = lease;
    if (this.#pending.length > 0) {
      bytes = Buffer.concat([this.#pending, chunk]);
      this.#lease = GIVEN;
      this.#pending = EMPTY;
    }
    let at = 0;
    while (at < bytes.length) {
      if (this.#bodyLeft > 0) {
        at += this.#body(bytes, at);
        continue;
      }
      const used = this.#frame(bytes, at);
      if (used === 0) {
        // Copied, so that a few bytes do not keep a whole chunk alive.
        this.#pending = Buffer.from(bytes.subarray(at));
        return;
      }
      at += used;
    }
  }

  /** Hands on a piece of a body; returns its length. */
  #body(bytes: Buffer, at: number): number {
    const length = Math.min(this.#bodyLeft, bytes.length - at);
    this.#bodyLeft -= length;
    const stream = this.#bodyStream;
    this.#receiver!.data(
      stream,
      at === 0 && length === bytes.length ? bytes : bytes.subarray(at, at + length),
      this.#lease,
    );
    if (this.#bodyLeft === 0 && this.#bodyEnds) this.#receiver!.end(stream, this.#bodyServiceUs);
    return length;
  }

  /** Reads the frame at `at`; returns how many bytes it used, 0 if more are needed. */
  #frame(bytes: Buffer, at: number): number {
    const available = bytes.length - at;
    if (available < FRAME_HEADER_BYTES) return 0;
    const length = readU32(bytes, at);
    const stream = readU32(bytes, at + 4);
    const type = bytes[at + 8]!;
    const flags = bytes[at + 9]!;
    this.#check(length, stream, type, flags, bytes[at + 10]! | bytes[at + 11]!);
    const start = at + FRAME_HEADER_BYTES;
    if (type === FrameType.HEAD) return this.#head(bytes, start, { length, stream, flags });
    if (type === FrameType.DATA) {
      this.#expectBody(stream, length, false, 0);
      return FRAME_HEADER_BYTES;
    }
    if (available < FRAME_HEADER_BYTES + length) return 0;
    this.#whole(type, stream, flags, bytes.subarray(start, start + length));
    return FRAME_HEADER_BYTES + length;
  }

  #head(bytes: Buffer, start: number, frame: { length: number; stream: number; flags: number }): number {
    const { length, stream, flags } = frame;
    const available = bytes.length - start;
    if (available < 8) return 0;
    const serviceUs = readU32(bytes, start);
    const headLength = readU32(bytes, start + 4);
    if (8 + headLength > length)
      throw new FrameError(`HEAD: a head of ${headLength} bytes in a payload of ${length}`);
    if (available < 8 + headLength) return 0;
    const bodyStart = start + 8 + headLength;
    const end = start + length;
    const ends = (flags & HeadFlag.END) !== 0;
    const head = bytes.toString('latin1', start + 8, bodyStart);
    if (ends && end <= bytes.length) {
      const small = end - bodyStart <= SMALL_BODY_BYTES;
      const body = small ? bytes.toString('latin1', bodyStart, end) : bytes.subarray(bodyStart, end);
      this.#receiver!.answer(stream, head, body, serviceUs, this.#lease);
      return FRAME_HEADER_BYTES + length;
    }
    this.#receiver!.head(stream, head);
    this.#expectBody(stream, end - bodyStart, ends, serviceUs);
    return FRAME_HEADER_BYTES + 8 + headLength;
  }

  #expectBody(stream: number, length: number, ends: boolean, serviceUs: number): void {
    this.#bodyStream = stream;
    this.#bodyLeft = length;
    this.#bodyEnds = ends;
    this.#bodyServiceUs = serviceUs;
  }

  /** What holds for every frame, before its payload has come. */
  #check(length: number, stream: number, type: number, flags: number, reserved: number): void {
    const name = `frame type 0x${type.toString(16)}`;
    if (length > MAX_PAYLOAD_BYTES)
      throw new FrameError(`${name}: a payload of ${length} bytes; at most ${MAX_PAYLOAD_BYTES}`);
    if (reserved !== 0) throw new FrameError(`${name}: the reserved field is not 0`);
    const places = this.#places[type]!;
    if (places === 0) {
      const order = this.#places === BEFORE_AUTH || type === FrameType.AUTH;
      throw new FrameError(
        `${name}: ${order ? 'AUTH must come first, and once' : 'unknown on this channel'}`,
      );
    }
    if ((places & (stream === 0 ? ON_ZERO : ON_STREAMS)) === 0)
      throw new FrameError(`${name}: on stream ${stream}`);
    if (type === FrameType.LOG) {
      if (flags < LogLevel.ERROR || flags > LogLevel.INFO)
        throw new FrameError(`LOG: level ${flags}; expected 1 to 3`);
    } else if (flags !== 0 && flags !== KNOWN_FLAG.get(type)) {
      throw new FrameError(`${name}: unknown flags 0x${flags.toString(16)}`);
    }
    const least = LEAST_PAYLOAD.get(type) ?? 0;
    if (length < least) throw new FrameError(`${name}: a payload of ${length} bytes; at least ${least}`);
  }

  #whole(type: number, stream: number, flags: number, payload: Buffer): void {
    if (type === FrameType.AUTH) return this.#auth(payload);
    const receiver = this.#receiver!;
    switch (type) {
      case FrameType.READY:
        return receiver.ready(readReady(payload));
      case FrameType.END:
        exactly('END', payload, 4);
        return receiver.end(stream, readU32(payload, 0));
      case FrameType.ERROR:
        return receiver.error(stream, readFailure(payload.subarray(4)), readU32(payload, 0));
      case FrameType.FILE:
        return receiver.file(stream, readFile(payload));
      case FrameType.LOG:
        return receiver.log(stream, flags, payload.toString('utf8'));
      case FrameType.RECALLED:
        return receiver.recalled(readStreams(payload));
      case FrameType.PONG:
        exactly('PONG', payload, 8);
        return receiver.pong(payload);
      case FrameType.FILES:
        if (receiver.files === undefined) throw new FrameError('FILES: not from this process');
        return receiver.files(readFiles(payload));
      case FrameType.FORKED: {
        const { id, pid, error } = readForked(payload);
        if (receiver.forked === undefined) throw new FrameError('FORKED: not from this process');
        return receiver.forked(id, pid, error);
      }
      case FrameType.STARTED:
        return receiver.started?.(stream, readLeader(payload), flags === StartedFlag.WARM);
      case FrameType.STDERR:
        return receiver.stderr?.(stream, payload);
      case FrameType.BODY_CREDIT:
        exactly('BODY_CREDIT', payload, 4);
        return receiver.bodyCredit?.(stream, readU32(payload, 0));
      case FrameType.BODY_CLOSED:
        exactly('BODY_CLOSED', payload, 0);
        return receiver.bodyClosed?.(stream);
      case FrameType.EXITED: {
        if (stream !== 0) return receiver.programEnded?.(stream, readProgramEnd(payload));
        const { pid, code, signal } = readExited(payload);
        if (receiver.exited === undefined) throw new FrameError('EXITED: not from this process');
        return receiver.exited(pid, code, signal);
      }
    }
  }

  #auth(payload: Buffer): void {
    exactly('AUTH', payload, TOKEN_BYTES + 1);
    const channel = payload.toString('latin1', TOKEN_BYTES);
    if (channel !== 'D' && channel !== 'C' && channel !== 'Z')
      throw new FrameError('AUTH: the channel is none of D, C and Z');
    this.#places = AFTER_AUTH[channel];
    this.#receiver = this.#authenticate(payload.toString('latin1', 0, TOKEN_BYTES), channel);
    if (this.#receiver === undefined) throw new FrameError('AUTH: the token opens nothing');
  }
}

/** The one flag of those types that have one. */
const KNOWN_FLAG: ReadonlyMap<number, number> = new Map<number, number>([
  [FrameType.HEAD, HeadFlag.END],
  [FrameType.STARTED, StartedFlag.WARM],
]);

const LEAST_PAYLOAD: ReadonlyMap<number, number> = new Map([
  [FrameType.AUTH, TOKEN_BYTES + 1],
  [FrameType.HEAD, 8],
  [FrameType.DATA, 1],
  [FrameType.END, 4],
  [FrameType.ERROR, 4],
  [FrameType.FILE, 49],
  [FrameType.PONG, 8],
  [FrameType.FILES, 2],
  [FrameType.FORKED, 2],
  [FrameType.EXITED, 2],
  [FrameType.STARTED, 4],
  [FrameType.STDERR, 1],
  [FrameType.BODY_CREDIT, 4],
]);

function readReady(payload: Buffer): ReadyInfo {
  const { pid, python, implementation, executable } = readObject('READY', payload);
  if (
    typeof pid !== 'number' ||
    typeof python !== 'string' ||
    typeof implementation !== 'string' ||
    typeof executable !== 'string'
  ) {
    throw new FrameError('READY: a member is missing or has the wrong type');
  }
  return { pid, python, implementation, executable };
}

function readFailure(payload: Buffer): WorkerFailure {
  const { class: name, message, traceback, hint, middleware } = readObject('ERROR', payload);
  if (typeof name !== 'string' || typeof message !== 'string' || typeof traceback !== 'string') {
    throw new FrameError('ERROR: a member is missing or has the wrong type');
  }
  return {
    class: name,
    message,
    traceback,
    hint: typeof hint === 'string' ? hint : undefined,
    middleware: typeof middleware === 'number' ? middleware : undefined,
  };
}

function readFiles(payload: Buffer): string[] {
  const { files } = readObject('FILES', payload);
  if (!Array.isArray(files) || !files.every(isAbsolute))
    throw new FrameError('FILES: not a list of absolute paths');
  return files;
}

function readForked(payload: Buffer): { id: number; pid: number | null; error: string | null } {
  const { id, pid = null, error = null } = readObject('FORKED', payload);
  if (!isPositive(id)) throw new FrameError('FORKED: the id is not a positive number');
  if (isPositive(pid) && error === null) return { id, pid, error };
  if (pid === null && typeof error === 'string') return { id, pid, error };
  throw new FrameError('FORKED: neither a process id nor an error');
}

function readExited(payload: Buffer): { pid: number; code: number | null; signal: number | null } {
  const { pid, code, signal } = readObject('EXITED', payload);
  if (!isPositive(pid)) throw new FrameError('EXITED: the process id is not a positive number');
  return { pid, ...checkEnd(code, signal) };
}

/** Of a process group, which may be killed: 0 would be our own, and 1 all that we may kill. */
function readLeader(payload: Buffer): number {
  exactly('STARTED', payload, 4);
  const pid = readU32(payload, 0);
  if (pid < 2 || pid > 0x7fff_ffff) throw new FrameError(`STARTED: ${pid} is no process id`);
  return pid;
}

function readProgramEnd(payload: Buffer): ProgramEnd {
  const { code, signal, stderrDropped } = readObject('EXITED', payload);
  if (stderrDropped !== 0 && !isPositive(stderrDropped))
    throw new FrameError('EXITED: stderrDropped is not a number of bytes');
  return { ...checkEnd(code, signal), stderrDropped };
}

function checkEnd(code: unknown, signal: unknown): { code: number | null; signal: number | null } {
  if (code === null && (signal === null || isPositive(signal))) return { code, signal };
  if (signal === null && (code === 0 || isPositive(code))) return { code, signal };
  throw new FrameError('EXITED: neither an exit code nor a signal');
}

function isPositive(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function isAbsolute(value: unknown): value is string {
  return typeof value === 'string' && value.startsWith('/') && !value.includes('\0');
}

function readObject(name: string, payload: Buffer): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(payload.toString('utf8'));
  } catch {
    throw new FrameError(`${name}: the payload is not JSON`);
  }
  if (typeof value !== 'object' || value === null)
    throw new FrameError(`${name}: the payload is not a JSON object`);
  return value as Record<string, unknown>;
}

function readFile(payload: Buffer): FileOffer {
  const offset = payload.readBigUInt64LE(0);
  const length = payload.readBigUInt64LE(8);
  if (offset + length > BigInt(Number.MAX_SAFE_INTEGER)) throw new FrameError('FILE: beyond 2^53 bytes');
  const path = payload.toString('utf8', 48);
  if (!path.startsWith('/') || path.includes('\0')) throw new FrameError('FILE: the path is not absolute');
  return {
    offset: Number(offset),
    length: Number(length),
    device: payload.readBigUInt64LE(16),
    inode: payload.readBigUInt64LE(24),
    size: payload.readBigUInt64LE(32),
    mtimeNs: payload.readBigInt64LE(40),
    path,
  };
}

function readStreams(payload: Buffer): number[] {
  if (payload.length % 4 !== 0) throw new FrameError('RECALLED: not a row of stream ids');
  const streams: number[] = [];
  for (let at = 0; at < payload.length; at += 4) streams.push(readU32(payload, at));
  return streams;
}

function exactly(name: string, payload: Buffer, length: number): void {
  if (payload.length !== length)
    throw new FrameError(`${name}: a payload of ${payload.length} bytes; expected ${length}`);
}

function readU32(bytes: Buffer, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}
