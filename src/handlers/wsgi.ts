/**
 * The WSGI handler: a complete request goes to a Python worker, its answer becomes the response.
 *
 * A request whose client leaves before a worker has it is not run. A client that closes its connection with a FIN looks like one that
 * only half-closes, so it is sent `100 Continue`, which whoever still reads discards (RFC 9110 section 15.2.1). HTTP/1.0 knows no
 * interim responses: such requests are run unless the client resets.
 */
import { type BigIntStats, constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { GatewayError } from '../errors.js';
import { wsgiEnviron } from '../gateway/environ.js';
import { mediaTypeOf } from '../http/media-types.js';
import type { ResponseHead } from '../http/response-head.js';
import { whoCloses } from '../http/who-closes.js';
import type {
  BodySink,
  BodySource,
  GatewayRequest,
  GatewayResponse,
  Handler,
  InputEndListener,
  ResponseBody,
} from '../types.js';
import type { ChunkLease, FileOffer } from '../wire/decoder.js';
import { readAnswerHead } from '../workers/answer-head.js';
import type { Job, JobStream } from '../workers/job.js';
import { spoolBody, type SpooledBody } from './body-spool.js';
import { clientGone } from './client-gone.js';
import type { OpenFile } from './open-file.js';
import { answerWithFile } from './program-file.js';
import { sendNamedFile } from './sendfile.js';

/** Where jobs go: the supervisor of the application's workers. */
export interface WorkerPool {
  /** A private folder for spooled bodies. */
  readonly folder: string;
  /** Of spooled bodies; null if nobody but this user has to read them. */
  readonly bodyMode: number | null;
  submit(job: Job): void;
  abort(job: Job): void;
}

export interface WsgiHandlerOptions {
  /** A larger request body goes through a file. Default 64 KiB. */
  readonly maxMemoryBodyBytes?: number;
  /** Real paths of folders from which X-Sendfile may send, byte text. Default none: the field is one like any other. */
  readonly sendfileRoots?: readonly string[];
  /** The workers' user, if it is another one: of the files that they offer to be sent, only its own are taken. */
  readonly fileOwner?: number | undefined;
}

interface Context {
  readonly pool: WorkerPool;
  readonly sendfileRoots: readonly string[];
  readonly fileOwner: number | undefined;
}

const MAX_MEMORY_BODY_BYTES = 65_536;
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** Serves what the workers' application answers. */
export function createWsgiHandler(pool: WorkerPool, options: WsgiHandlerOptions = {}): Handler {
  const spool = {
    maxMemoryBytes: options.maxMemoryBodyBytes ?? MAX_MEMORY_BODY_BYTES,
    folder: () => pool.folder,
    mode: () => pool.bodyMode,
  };
  const { sendfileRoots = [], fileOwner } = options;
  const context: Context = { pool, sendfileRoots, fileOwner };
  return (request) =>
    new Promise<GatewayResponse>((resolve, reject) => {
      const settle = { resolve, reject };
      if (request.body === null) {
        submit(context, request, null, settle);
        return;
      }
      spoolBody(request.body, spool, (error, body) => {
        if (error !== null) reject(error);
        else submit(context, request, body, settle);
      });
    });
}

interface Settle {
  readonly resolve: (response: GatewayResponse | Promise<GatewayResponse>) => void;
  readonly reject: (error: Error) => void;
}

function submit(context: Context, request: GatewayRequest, body: SpooledBody | null, settle: Settle): void {
  const job = new WsgiJob(context, request, body, settle);
  request.onAbort(() => job.cancel());
  request.onInputEnd(job);
  // The client may have gone while its body was being stored.
  if (!job.isOver) context.pool.submit(job);
}

class WsgiJob implements Job, BodySource, InputEndListener {
  place: Job['place'] = undefined;
  readonly environ: string;
  readonly body: Buffer | { readonly path: string } | null;
  readonly safe: boolean;
  readonly arrivedAtMs: number;
  readonly #context: Context;
  readonly #request: GatewayRequest;
  readonly #spooled: SpooledBody | null;
  readonly #settle: Settle;
  #head = '';
  #stream: JobStream | undefined;
  #sink: BodySink | undefined;
  /** What came before the response was taken up. */
  readonly #early: Buffer[] = [];
  /** The memory of the chunks that are on their way to the client. */
  readonly #leases: ChunkLease[] = [];
  #state: 'waiting' | 'head' | 'file' | 'streaming' | 'over' = 'waiting';
  #endedEarly = false;
  #whoCloses: InputEndListener | undefined;
  #failedEarly: Error | undefined;

  constructor(context: Context, request: GatewayRequest, body: SpooledBody | null, settle: Settle) {
    this.#context = context;
    this.#request = request;
    this.#spooled = body;
    this.#settle = settle;
    this.body = body === null ? null : 'bytes' in body ? body.bytes : body;
    const length =
      body === null ? declaredLength(request) : 'bytes' in body ? body.bytes.length : body.length;
    this.environ = wsgiEnviron(request, length);
    this.safe = SAFE_METHODS.has(request.method);
    // A slow upload has not waited for a worker.
    this.arrivedAtMs = body === null ? request.arrivedAtMs : performance.now();
  }

  get id(): string {
    return this.#request.id;
  }

  /** The worker is done with the request, or nobody wants it any more. */
  get isOver(): boolean {
    return this.#state === 'over';
  }

  // --- from the worker ---

  answer(head: string, body: Buffer | string, lease: ChunkLease): void {
    this.#over();
    if (this.#respondNamedFile(head)) return;
    if (typeof body === 'string') {
      this.#respond(head, { kind: 'bytes', bytes: body });
    } else {
      lease.hold();
      this.#respond(head, { kind: 'bytes', bytes: body, taken: () => lease.release() });
    }
  }

  head(head: string, stream: JobStream): void {
    this.#state = 'head';
    this.#head = head;
    this.#stream = stream;
  }

  data(chunk: Buffer, lease: ChunkLease): void {
    if (this.#state === 'head') this.#respondStreaming();
    lease.hold();
    this.#leases.push(lease);
    if (this.#sink === undefined) this.#early.push(chunk);
    else this.#sink.data(chunk);
  }

  file(offer: FileOffer): void {
    if (this.#state !== 'head') {
      // Bytes went before it: the worker sends these too.
      this.#stream?.fileAck(false);
      return;
    }
    this.#state = 'file';
    void this.#respondFile(offer);
  }

  end(): void {
    switch (this.#state) {
      case 'head':
        this.#over();
        this.#respond(this.#head, { kind: 'empty' });
        return;
      case 'streaming':
        if (this.#sink === undefined) this.#endedEarly = true;
        else this.#sink.end();
        this.#over();
        return;
      default:
        this.#over();
    }
  }

  fail(error: GatewayError): void {
    const state = this.#state;
    this.#over();
    if (state === 'streaming') {
      if (this.#sink === undefined) this.#failedEarly = error;
      else this.#sink.error(error);
    } else if (state !== 'over') {
      // Nothing happens here if the response is a file that is being sent already.
      this.#settle.reject(error);
    }
  }

  /** @returns whether the head was fit to be sent */
  #respond(head: string, body: ResponseBody): boolean {
    try {
      this.#settle.resolve({ head: readAnswerHead(head), body });
      return true;
    } catch (error) {
      this.#settle.reject(error as Error);
      return false;
    }
  }

  /** X-Sendfile: the worker sends nothing but the head then. @returns false if it names no file, or may not */
  #respondNamedFile(head: string): boolean {
    const { sendfileRoots } = this.#context;
    if (sendfileRoots.length === 0) return false;
    try {
      const response = sendNamedFile(this.#request, readAnswerHead(head), sendfileRoots);
      if (response === undefined) return false;
      this.#settle.resolve(response);
    } catch (error) {
      this.#settle.reject(error as Error);
    }
    return true;
  }

  #respondStreaming(): void {
    this.#state = 'streaming';
    if (!this.#respond(this.#head, { kind: 'stream', source: this })) this.cancel();
  }

  /** The worker offers a file to be sent by us: it is opened, and taken if it is the one the worker means. */
  async #respondFile(offer: FileOffer): Promise<void> {
    const opened = await openOffered(offer, this.#context.fileOwner);
    const stream = this.#stream!;
    if (this.#state === 'over') {
      void opened?.handle.close();
      return;
    }
    if (opened === undefined) {
      this.#state = 'head';
      stream.fileAck(false);
      return;
    }
    stream.fileAck(true);
    try {
      this.#settle.resolve(this.#withFile(readAnswerHead(this.#head), offer, opened));
    } catch (error) {
      void opened.handle.close();
      this.#settle.reject(error as Error);
    }
  }

  /** What the application has decided stands; but all of a file, which clients can tell from its next version, is sent as a static file is. */
  #withFile(head: ResponseHead, { offset, length, path }: FileOffer, file: OpenFile): GatewayResponse {
    const { handle, stats } = file;
    const isWhole = offset === 0 && BigInt(length) === stats.size && head.contentLength === length;
    const hasValidator = head.field('etag') !== undefined || head.field('last-modified') !== undefined;
    if (head.status === 200 && isWhole && hasValidator)
      return answerWithFile(this.#request, { head, file, mediaType: mediaTypeOf(path) });
    return {
      head,
      body: { kind: 'file', file: { handle, pieces: [{ offset, length }], version: stats } },
    };
  }

  // --- from the server ---

  inputEnded(): void {
    // With a worker it is run either way. When that is over, whoever works on the answer may want to know.
    if (this.place === undefined && this.#state !== 'over') return;
    this.#whoCloses ??= whoCloses(this.#request);
    this.#whoCloses.inputEnded();
  }

  start(sink: BodySink): void {
    this.#sink = sink;
    for (const chunk of this.#early.splice(0)) sink.data(chunk);
    if (this.#failedEarly !== undefined) sink.error(this.#failedEarly);
    else if (this.#endedEarly) sink.end();
  }

  taken(bytes: number): void {
    // The server reports chunk by chunk, in order.
    this.#leases.shift()?.release();
    this.#stream?.taken(bytes);
  }

  cancel(): void {
    if (this.#state === 'over') return;
    this.#over();
    this.#context.pool.abort(this);
    // Nothing happens here if it has been answered.
    this.#settle.reject(clientGone());
  }

  /** The worker is done with the request. */
  #over(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    if (this.#spooled !== null && 'dispose' in this.#spooled) this.#spooled.dispose();
  }
}

/** `Content-Length: 0` is told to the application as sent; no Content-Length at all is none. */
function declaredLength(request: GatewayRequest): number {
  return request.field('content-length') === undefined ? -1 : 0;
}

/**
 * @param owner whose it has to be: what this process may read, a worker of another user may not, and to know what `isOffered` asks for it needs to read
 *   nothing
 */
async function openOffered(offer: FileOffer, owner: number | undefined): Promise<OpenFile | undefined> {
  let handle;
  try {
    // Without O_NONBLOCK the path of a pipe would hold a thread for ever.
    handle = await open(offer.path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = await handle.stat({ bigint: true });
    const isTheirs = owner === undefined || stats.uid === BigInt(owner);
    if (stats.isFile() && isTheirs && isOffered(stats, offer)) return { handle, stats };
  } catch {
    // Not there, or not readable for us: the worker sends the bytes itself.
  }
  void handle?.close().catch(() => {});
  return undefined;
}

/** The same file, and not written to since the worker has seen it: if it was, the worker says so. */
function isOffered({ dev, ino, size, mtimeNs }: BigIntStats, offer: FileOffer): boolean {
  return dev === offer.device && ino === offer.inode && size === offer.size && mtimeNs === offer.mtimeNs;
}
