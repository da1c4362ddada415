/** A real Server on a free port of the loopback interface, closed with the test. */
import { onTestFinished } from 'vitest';
import { DEFAULT_DEADLINES, DEFAULT_LIMITS } from '../../src/config/defaults.js';
import { parseTrustedProxies } from '../../src/http/forwarded.js';
import { ResponseHead } from '../../src/http/response-head.js';
import { Server } from '../../src/server/server.js';
import type { TlsMaterial } from '../../src/server/tls/material.js';
import type {
  BodySink,
  BodySource,
  Endpoint,
  GatewayRequest,
  GatewayResponse,
  Handler,
  HttpDeadlines,
  HttpLimits,
  Log,
} from '../../src/types.js';

export interface LogRecord {
  readonly level: keyof Log;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

export interface StartOptions {
  readonly limits?: Partial<HttpLimits>;
  readonly deadlines?: Partial<HttpDeadlines>;
  /** As of `--forwarded-allow-ips`. Default: nobody. */
  readonly trusted?: string;
  /** As of `--proxy-allow-from`. Default: no PROXY protocol. */
  readonly proxies?: string;
  readonly endpoint?: Endpoint;
  readonly tls?: TlsMaterial;
  readonly hstsSeconds?: number;
}

export interface RunningServer {
  readonly server: Server;
  readonly url: string;
  readonly port: number;
  readonly log: LogRecord[];
  /** Each request that reached the handler: method and target. */
  readonly seen: string[];
}

export async function startServer(handler: Handler, options: StartOptions = {}): Promise<RunningServer> {
  const log: LogRecord[] = [];
  const seen: string[] = [];
  const note =
    (level: keyof Log) =>
    (message: string, fields?: Readonly<Record<string, unknown>>): void => {
      log.push({ level, message, fields });
    };
  const server = new Server({
    handler: (request) => {
      seen.push(`${request.method} ${request.target}`);
      return handler(request);
    },
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    deadlines: { ...DEFAULT_DEADLINES, ...options.deadlines },
    trustedProxies: parseTrustedProxies(options.trusted ?? ''),
    proxyProtocol: options.proxies === undefined ? null : parseTrustedProxies(options.proxies),
    hstsSeconds: options.hstsSeconds ?? 0,
    log: { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') },
  });
  onTestFinished(() => server.shutdown(0));
  if (options.tls !== undefined) server.secure(options.tls);
  const { url } = await server.listen(options.endpoint ?? { kind: 'tcp', host: '127.0.0.1', port: 0 });
  return { server, url, port: url.startsWith('http') ? Number(new URL(url).port) : 0, log, seen };
}

export function answer(
  bytes: string | Buffer = '',
  status = 200,
  fields: readonly string[] = [],
): GatewayResponse {
  return { head: new ResponseHead(status, fields), body: { kind: 'bytes', bytes } };
}

export function streamed(source: BodySource, fields: readonly string[] = [], status = 200): GatewayResponse {
  return { head: new ResponseHead(status, fields), body: { kind: 'stream', source } };
}

/** A source that a test drives: what it is asked to do is noted. */
export class TestSource implements BodySource {
  sink: BodySink | undefined;
  takenBytes = 0;
  readonly taken_: number[] = [];
  cancelled = 0;
  readonly #onStart: ((sink: BodySink) => void) | undefined;

  constructor(onStart?: (sink: BodySink) => void) {
    this.#onStart = onStart;
  }

  start(sink: BodySink): void {
    this.sink = sink;
    this.#onStart?.(sink);
  }

  taken(bytes: number): void {
    this.takenBytes += bytes;
    this.taken_.push(bytes);
  }

  cancel(): void {
    this.cancelled++;
  }
}

/** The whole body of a request; rejects with the error that ended it. */
export function readBody(request: GatewayRequest): Promise<Buffer> {
  const { body } = request;
  if (body === null) return Promise.resolve(Buffer.alloc(0));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    body.consume({
      data: (chunk) => chunks.push(Buffer.from(chunk)),
      end: () => resolve(Buffer.concat(chunks)),
      error: reject,
    });
  });
}

/** Answers with the method, the target and the body, each on a line. */
export const echo: Handler = async (request) => {
  const body = await readBody(request);
  return answer(`${request.method} ${request.target}\n${body.toString('latin1')}`);
};

/** Answers at once, without reading a body. */
export const hello: Handler = () => answer('hello');

/** A promise with its handles. */
export function deferred<T = void>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (error: unknown) => void;
} {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
