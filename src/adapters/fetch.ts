/** A handler in the fetch style: a Request (WHATWG Fetch) in, a Response out, without a connection. */
import { Writable } from 'node:stream';
import type { ResponseHead } from '../http/response-head.js';
import type { Fields, Handler, Peer } from '../types.js';
import { plainIPv4 } from '../http/ip-address.js';
import {
  type BeginOptions,
  EmbeddedExchange,
  type EmbeddingOptions,
  type Host,
} from './embedded-exchange.js';

/** Whom a Request is from, which it cannot tell itself. */
export interface FetchPeer {
  readonly clientAddress?: string | undefined;
  readonly clientPort?: number | undefined;
  /** Node's own request, as `@hono/node-server` gives it to its applications: the address is that of its socket. */
  readonly incoming?:
    | {
        readonly socket?:
          | { readonly remoteAddress?: string | undefined; readonly remotePort?: number | undefined }
          | undefined;
      }
    | undefined;
}

/**
 * A handler in the fetch style. Rejects with the reason of the request's signal, if that is aborted before there is a response; errors are
 * responses.
 */
export type FetchHandler = (request: Request, peer?: FetchPeer) => Promise<Response>;

/** Nobody can say that a client is another than it is, if nobody knows who it is. */
const NOBODY = { trusts: () => false };

/**
 * Rejects with the reason of the request's signal, if it is aborted before there is a response.
 *
 * @param defaultAddress of clients that nobody names; '' for none
 */
export function createFetch(
  handler: Handler,
  options: EmbeddingOptions,
  defaultAddress: string,
): FetchHandler {
  return async (request, given) => {
    const url = new URL(request.url);
    const peer = readPeer(url, given, defaultAddress);
    const trustedProxies = peer.remoteAddress === '' ? NOBODY : options.trustedProxies;
    request.signal.throwIfAborted();
    return await new Promise<Response>((resolve, reject) => {
      const host = new FetchHost(request, { resolve, reject });
      const head = {
        method: request.method,
        target: url.pathname + url.search,
        fields: fieldsOf(request.headers, url),
        httpVersion: '1.1',
        hasBody: request.body !== null,
      } as const;
      const exchange = new EmbeddedExchange(
        { head, peer, host, takesTrailers: false },
        { ...options, trustedProxies },
      );
      host.open(exchange);
      request.signal.addEventListener('abort', () => {
        exchange.closed();
        host.abandon(request.signal.reason as Error);
      });
      exchange.serve(handler);
    });
  };
}

function readPeer(url: URL, given: FetchPeer | undefined, defaultAddress: string): Peer {
  const socket = given?.incoming?.socket;
  const remoteAddress = plainIPv4(given?.clientAddress ?? socket?.remoteAddress ?? defaultAddress);
  const isSecure = url.protocol === 'https:';
  return {
    isUnix: false,
    remoteAddress,
    remotePort: given?.clientPort ?? socket?.remotePort ?? 0,
    localAddress: '',
    localPort: Number(url.port) || (isSecure ? 443 : 80),
    tls: isSecure ? { clientCertificate: undefined } : null,
  };
}

/** Of the connection that somebody else has read it from; what they say has been seen to. */
const OF_A_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'expect',
  'host',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
]);

function fieldsOf(headers: Headers, { host }: URL): Fields {
  const fields = ['Host', headers.get('host') ?? host];
  for (const [name, value] of headers) if (!OF_A_CONNECTION.has(name)) fields.push(name, value);
  return fields;
}

/** The ends of the promise of a response. */
interface Settling {
  readonly resolve: (response: Response) => void;
  readonly reject: (reason: Error) => void;
}

class FetchHost implements Host {
  readonly #request: Request;
  readonly #promise: Settling;
  #exchange: EmbeddedExchange | undefined;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #isReading = false;
  #head: { readonly head: ResponseHead; readonly addLength: number } | undefined;
  #body: PulledBody | undefined;

  constructor(request: Request, promise: Settling) {
    this.#request = request;
    this.#promise = promise;
  }

  open(exchange: EmbeddedExchange): void {
    this.#exchange = exchange;
  }

  readBody(): void {
    if (!this.#isReading) void this.#read();
  }

  async #read(): Promise<void> {
    const exchange = this.#exchange!;
    this.#isReading = true;
    try {
      this.#reader ??= this.#request.body!.getReader();
      while (exchange.body?.wanted === true) {
        const { done, value } = await this.#reader.read();
        if (done) exchange.endOfInput();
        else if (value.length > 0)
          exchange.receive(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
      }
    } catch {
      // The body has been read by somebody else, or whoever makes it has failed.
      exchange.closed();
    }
    this.#isReading = false;
  }

  begin(head: ResponseHead, { addLength, hasBody }: BeginOptions): void {
    this.#head = { head, addLength };
    if (!hasBody) this.#respond(null);
  }

  bodyStream(): Writable {
    const body = new PulledBody(() => this.#exchange?.closed());
    this.#body = body;
    this.#respond(body.readable);
    return body;
  }

  end(bytes: Buffer | string | undefined): void {
    void this.#reader?.cancel().catch(() => {});
    if (bytes === undefined) this.#body!.end();
    else if (this.#head !== undefined)
      this.#respond(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  cut(error: Error | undefined): void {
    const abandon = (): void => this.abandon(error ?? new Error('the response is cut off'));
    // What was written before goes out first.
    if (this.#body === undefined) abandon();
    else this.#body.write('', abandon);
  }

  /** Ends both bodies where they are; or rejects, if there is no response yet. */
  abandon(reason: Error): void {
    this.#promise.reject(reason);
    void this.#reader?.cancel(reason).catch(() => {});
    this.#body?.destroy(reason);
  }

  /** There is no way for it. */
  inform(): void {}

  #respond(body: ReadableStream<Uint8Array> | Buffer | null): void {
    if (this.#head === undefined) return;
    const { head, addLength } = this.#head;
    this.#head = undefined;
    const headers = new Headers();
    for (let i = 0; i < head.fields.length; i += 2) headers.append(head.fields[i]!, head.fields[i + 1]!);
    if (addLength !== -1) headers.set('Content-Length', String(addLength));
    // Of a status without a body, it may not be given even an empty one.
    const content = NO_BODY.has(head.status) ? null : body;
    this.#promise.resolve(new Response(content, { status: head.status, statusText: head.reason, headers }));
  }
}

/** Null body statuses of WHATWG Fetch. */
const NO_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/** What is written to it comes out of `readable` chunk by chunk, each when it is asked for, as a copy. */
class PulledBody extends Writable {
  readonly readable: ReadableStream<Uint8Array>;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #isWanted = false;
  #pending: { readonly chunk: Buffer; readonly done: (error?: Error) => void } | undefined;

  /** @param cancelled whoever reads it wants no more */
  constructor(cancelled: () => void) {
    super();
    this.on('error', () => {});
    this.readable = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => {
          this.#isWanted = true;
          this.#give();
        },
        cancel: () => {
          cancelled();
          this.destroy();
        },
      },
      { highWaterMark: 0 },
    );
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#pending = { chunk, done };
    this.#give();
  }

  override _final(done: () => void): void {
    this.#controller.close();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (error !== null) this.#controller.error(error);
    this.#pending?.done(new Error('the response has ended'));
    this.#pending = undefined;
    done(error);
  }

  #give(): void {
    const pending = this.#pending;
    if (!this.#isWanted || pending === undefined) return;
    this.#isWanted = false;
    this.#pending = undefined;
    if (pending.chunk.length > 0) this.#controller.enqueue(new Uint8Array(pending.chunk));
    pending.done();
  }
}
