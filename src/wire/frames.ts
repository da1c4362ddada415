/**
 * The worker frame protocol, version 1: its numbers and limits. The specification is docs/protocol.md.
 *
 *      0               4               8       9       10      12
 *     ┌───────────────┬───────────────┬───────┬───────┬───────┐
 *     │ payload length│ stream id     │ type  │ flags │   0   │  little-endian, then the payload
 *     └───────────────┴───────────────┴───────┴───────┴───────┘
 */

import type { Need, ProgramUser } from '../types.js';

export const PROTOCOL_VERSION = 1;
export const FRAME_HEADER_BYTES = 12;
export const MAX_PAYLOAD_BYTES = 1_048_576;
export const MAX_STREAM_ID = 0xffff_ffff;
export const TOKEN_BYTES = 64;

export const FrameType = {
  HELLO: 0x01,
  REQUEST: 0x02,
  DRAIN: 0x03,
  ABORT: 0x04,
  CREDIT: 0x05,
  FILE_ACK: 0x06,
  RECALL: 0x07,
  INTERRUPT: 0x08,
  PING: 0x09,
  FORK: 0x0a,
  RUN: 0x0b,
  RELOAD: 0x0c,
  BODY: 0x0d,
  BODY_END: 0x0e,
  SIGNAL: 0x0f,
  AUTH: 0x10,
  READY: 0x11,
  HEAD: 0x12,
  DATA: 0x13,
  END: 0x14,
  ERROR: 0x15,
  FILE: 0x16,
  LOG: 0x17,
  RECALLED: 0x18,
  PONG: 0x19,
  FILES: 0x1a,
  FORKED: 0x1b,
  EXITED: 0x1c,
  STARTED: 0x1d,
  STDERR: 0x1e,
  BODY_CREDIT: 0x1f,
  BODY_CLOSED: 0x20,
} as const;

export const RequestFlag = { SPOOLED: 0x01, SAFE: 0x02 } as const;
export const RunFlag = { MORE: 0x01 } as const;
export const FileAckFlag = { TAKEN: 0x01 } as const;
export const HeadFlag = { END: 0x01 } as const;
export const StartedFlag = { WARM: 0x01 } as const;
/** The flags of LOG hold its level. */
export const LogLevel = { ERROR: 1, WARNING: 2, INFO: 3 } as const;

/** The data and the control channel of a worker; the one channel of a zygote; that of the launcher of programs. */
export type Channel = 'D' | 'C' | 'Z' | 'L';

/** The line on a worker's standard input, and what FORK hands to a worker that is forked. */
export interface StartLine {
  /** The Unix-domain socket to connect to. */
  readonly socket: string;
  readonly token: string;
  /** Absent: worker. */
  readonly role?: 'worker' | 'zygote';
  /** The FIFO that the worker makes its standard error; absent: it stays as inherited. */
  readonly stderr?: string;
}

/** What the gateway tells a worker at its start. */
export interface HelloSettings {
  readonly protocol: typeof PROTOCOL_VERSION;
  readonly target: string;
  readonly searchPath: readonly string[];
  readonly threads: number;
  readonly environ: Readonly<Record<string, string>>;
  readonly multiprocess: boolean;
  readonly stateFile: string;
  readonly credit: number;
  /** Whether it reports the files of what it imports; absent: no. */
  readonly watch?: boolean;
  /** Whether an answer with X-Sendfile is its head, for the gateway sends the file; absent: no. */
  readonly sendfile?: boolean;
  /** WSGI middleware around the application, the outermost first; absent: none. */
  readonly middleware?: readonly WsgiMiddleware[];
  /** Whether the application is checked against PEP 3333; absent: no. */
  readonly validate?: boolean;
}

export interface WsgiMiddleware {
  /** `module:callable` */
  readonly target: string;
  /** Keyword arguments; JSON. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** What a worker says when the application is loaded. */
export interface ReadyInfo {
  readonly pid: number;
  readonly python: string;
  readonly implementation: string;
  readonly executable: string;
}

/** A failure inside the worker: of the application's start (stream 0) or of one request. */
export interface WorkerFailure {
  readonly class: string;
  readonly message: string;
  readonly traceback: string;
  readonly hint?: string | undefined;
  /** Which of the middleware in HELLO has failed. */
  readonly middleware?: number | undefined;
}

/** What a launcher is told at its start. Names, values and paths are byte text: one character per byte. */
export interface LauncherSettings {
  readonly protocol: typeof PROTOCOL_VERSION;
  /** The environment of every program, under that of its request. */
  readonly environ: Readonly<Record<string, string>>;
  /** Bytes of output that a run may send before it is given more; and bytes of a body that it may be sent. */
  readonly credit: number;
  /** From SIGTERM to SIGKILL. */
  readonly killGraceMs: number;
  /** So much of the standard error of a run is passed on as it comes. */
  readonly stderrBytes: number;
  readonly limits: ProgramLimits;
  /** null: as the launcher's. */
  readonly umask: number | null;
  /** Whom programs run as, and who may read the files of bodies; null: as the launcher. It needs root. */
  readonly user: ProgramUser | null;
  /** Modules that a zygote imports. */
  readonly preload: readonly string[];
}

/** setrlimit(2), for each program; null: as the launcher's. */
export interface ProgramLimits {
  readonly cpuSeconds: number | null;
  /** Address space. */
  readonly memoryBytes: number | null;
  readonly files: number | null;
  /** Of the user, not of the program. */
  readonly processes: number | null;
}

/** What a spawner is told at its start (docs/protocol.md, "Spawner"). */
export interface SpawnerSettings {
  readonly protocol: typeof PROTOCOL_VERSION;
  /** Whom workers run as; `account` is that whose supplementary groups they have, null for none. */
  readonly user: { readonly uid: number; readonly gid: number; readonly account: string | null };
  /** Who the gateway will be. */
  readonly gatewayUid: number;
  /** null: as the spawner's. */
  readonly umask: number | null;
  /** What is executed; the first is its absolute path. */
  readonly argv: readonly string[];
  readonly cwd: string;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly needs: readonly Need[];
}

/** One program to run; byte text. */
export interface Command {
  /** The file that is executed; absolute. */
  readonly path: string;
  readonly argv: readonly string[];
  readonly cwd: string;
  /** The interpreter, absolute, from which a fork may run `script` with `args` instead; null if only `path` will do. */
  readonly warm: string | null;
  readonly script?: string;
  readonly args?: readonly string[];
  /** The file that becomes its standard input. */
  readonly bodyFile?: string;
}

/** How a program has ended: by `code` or by `signal`; both are null if that is not known. */
export interface ProgramEnd {
  readonly code: number | null;
  readonly signal: number | null;
  /** Bytes of its standard error that were not passed on. */
  readonly stderrDropped: number;
}
