/**
 * The server's side of WSGI in TypeScript (PEP 3333, "The Server/Gateway Side"): an application of that shape as a handler.
 *
 * The head leaves with the first bytes of the body, not before: until then the application may think better of it. An application that
 * returns an array is answered at once and with a Content-Length, any other iterable chunk by chunk.
 */
import { iterableBody } from '../../bodies/iterable-body.js';
import { GatewayError, XgiError } from '../../errors.js';
import { formatKind, formatReceived } from '../../errors/received.js';
import { addWsgiEnviron } from '../../gateway/environ.js';
import type { ResponseHead } from '../../http/response-head.js';
import type { GatewayRequest, GatewayResponse, Handler } from '../../types.js';
import { applicationHead, badResponse } from './application-head.js';
import { smallBody } from './small-body.js';
import { isThenable } from './thenable.js';
import { LineErrors } from './wsgi-errors.js';
import { BodyInput } from './wsgi-input.js';
import type { Environ, StartResponse, WsgiApplication, WsgiBody, WsgiErrors } from './wsgi-types.js';

/** Where the text of `wsgi.errors` goes, and what the environ says of the server. */
export interface FromWsgiOptions {
  /** Gets the lines that are written to `wsgi.errors`. Default: standard error. */
  readonly print?: ((line: string) => void) | undefined;
  /** Other threads or processes run the same application. Default false. */
  readonly multiprocess?: boolean | undefined;
}

/** A handler that does what the application does. */
export function fromWsgi(application: WsgiApplication, options: FromWsgiOptions = {}): Handler {
  const errors = new LineErrors(options.print ?? ((line) => void process.stderr.write(`${line}\n`)));
  const multiprocess = options.multiprocess ?? false;
  return (request) => {
    const run = new Run();
    const returned = application(createEnviron(request, errors, multiprocess), run.startResponse);
    return isThenable<WsgiBody>(returned) ? run.respondLater(returned) : run.respond(returned);
  };
}

const VERSION = Object.freeze([1, 0] as const);

function createEnviron(request: GatewayRequest, errors: WsgiErrors, multiprocess: boolean): Environ {
  const environ = {
    SCRIPT_NAME: '',
    'wsgi.version': VERSION,
    'wsgi.input': new BodyInput(request.body),
    'wsgi.input_terminated': true,
    'wsgi.errors': errors,
    'wsgi.multithread': false,
    'wsgi.multiprocess': multiprocess,
    'wsgi.run_once': false,
    'xgi.request': request,
  };
  return addWsgiEnviron(request, contentLength(request), environ) as unknown as Environ;
}

/** `Content-Length: 0` is told as sent; -1 is for none, and for a body whose end will tell. */
function contentLength(request: GatewayRequest): number {
  if (request.body !== null) return request.body.length;
  return request.field('content-length') === undefined ? -1 : 0;
}

/** One request: what it has been answered with so far. */
class Run {
  #head: ResponseHead | undefined;
  #headHasLeft = false;
  readonly #written: Written[] = [];
  #wake: () => void = () => {};
  #body: WsgiBody | undefined;
  #isClosed = false;
  /** Nothing that is written any more will be taken. */
  #isOver = false;

  readonly startResponse: StartResponse = (status, headers, excInfo) => {
    if (excInfo) {
      if (this.#headHasLeft) throw excInfo;
    } else if (this.#head !== undefined) {
      throw new GatewayError(
        500,
        'XGI_WSGI_STARTED_TWICE',
        'startResponse was called a second time without the error that is being handled (excInfo)',
      );
    }
    this.#head = readHead(status, headers);
    return (data) => this.#write(data);
  };

  respond(returned: WsgiBody): GatewayResponse | Promise<GatewayResponse> {
    const isWhole = Array.isArray(returned) && !('close' in returned) && this.#written.length === 0;
    return isWhole ? this.#respondWhole(returned as readonly Uint8Array[]) : this.respondLater(returned);
  }

  #respondWhole(chunks: readonly Uint8Array[]): GatewayResponse {
    this.#end(writtenLate);
    for (const chunk of chunks) checkChunk(chunk);
    const bytes = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
    return { head: this.#takeHead(), body: smallBody(bytes) };
  }

  async respondLater(returned: WsgiBody | PromiseLike<WsgiBody>): Promise<GatewayResponse> {
    const chunks = this.#chunks(returned);
    const first = await chunks.next();
    if (first.done === true) return { head: this.#takeHead(), body: { kind: 'empty' } };
    try {
      return { head: this.#takeHead(), body: iterableBody(this.#withFirst(first.value, chunks)) };
    } catch (error) {
      await chunks.return();
      throw error;
    }
  }

  #takeHead(): ResponseHead {
    if (this.#head === undefined)
      throw badResponse('startResponse was not called before the first bytes of the body');
    this.#headHasLeft = true;
    return this.#head;
  }

  #write(data: Uint8Array): Promise<void> {
    checkChunk(data);
    const taken = new Promise<void>((resolve, reject) => {
      if (this.#isOver) reject(writtenLate());
      else if (data.length === 0) resolve();
      else this.#written.push({ data, taken: resolve, refused: reject });
    });
    // Nobody has to wait for it.
    taken.catch(() => {});
    this.#wake();
    return taken;
  }

  /** @param why is called only for who waits: an error with its stack takes 5 µs, half of what a small request takes */
  #end(why: () => Error): void {
    this.#isOver = true;
    for (const { refused } of this.#written.splice(0)) refused(why());
    this.#wake();
  }

  /** What was written, then what was returned; whole chunks, none of them empty. */
  async *#chunks(returned: WsgiBody | PromiseLike<WsgiBody>): AsyncGenerator<Uint8Array, void, void> {
    try {
      const body = isThenable<WsgiBody>(returned) ? yield* this.#writtenUntil(returned) : returned;
      checkBody(body);
      this.#body = body;
      if (this.#isOver) return;
      yield* this.#takeWritten();
      for await (const chunk of body) {
        yield* this.#takeWritten();
        checkChunk(chunk);
        if (chunk.length > 0) yield chunk;
      }
      yield* this.#takeWritten();
    } finally {
      this.#end(writtenLate);
      await this.#close();
      if (this.#body === undefined && isThenable<WsgiBody>(returned)) this.#closeLater(returned);
    }
  }

  /** What the application still returns when nobody waits for it. */
  #closeLater(returned: PromiseLike<WsgiBody>): void {
    Promise.resolve(returned)
      .then(async (body) => {
        this.#body = body;
        await this.#close();
      })
      .catch(() => {});
  }

  /** Once. */
  async #close(): Promise<void> {
    if (this.#isClosed || this.#body === undefined) return;
    this.#isClosed = true;
    await this.#body.close?.();
  }

  /**
   * No generator: one that was never asked for its first value passes no `return` on. And if the client goes while the next piece is waited for,
   * `close` is called at once, for the piece may never come.
   */
  #withFirst(first: Uint8Array, others: AsyncGenerator<Uint8Array, void, void>): AsyncIterable<Uint8Array> {
    let isFirst = true;
    const iterator: AsyncIterator<Uint8Array, void, void> = {
      next: () => {
        if (!isFirst) return others.next();
        isFirst = false;
        return Promise.resolve({ value: first, done: false });
      },
      return: async () => {
        this.#end(unwanted);
        await this.#close();
        return await others.return();
      },
    };
    return { [Symbol.asyncIterator]: () => iterator };
  }

  async *#writtenUntil(returned: PromiseLike<WsgiBody>): AsyncGenerator<Uint8Array, WsgiBody, void> {
    let settled = false;
    const settle = (): void => {
      settled = true;
      this.#wake();
    };
    returned.then(settle, settle);
    while (!settled) {
      yield* this.#takeWritten();
      if (settled || this.#written.length > 0) continue;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return await returned;
  }

  *#takeWritten(): Generator<Uint8Array, void, void> {
    for (;;) {
      const next = this.#written.shift();
      if (next === undefined) return;
      try {
        yield next.data;
      } finally {
        if (this.#isOver) next.refused(unwanted());
        else next.taken();
      }
    }
  }
}

/** What `write` was given, and whom to tell when it has been taken, or will not be. */
interface Written {
  readonly data: Uint8Array;
  readonly taken: () => void;
  readonly refused: (error: Error) => void;
}

function unwanted(): XgiError {
  return new XgiError(
    'XGI_WSGI_WRITE',
    'nobody takes what is written any more: the client has gone, or wants no body',
  );
}

function writtenLate(): XgiError {
  return new XgiError('XGI_WSGI_WRITE', 'write was called after the end of the answer');
}

const STATUS = /^([1-9][0-9]{2})(?: (.*))?$/s;

function readHead(status: string, headers: readonly (readonly [string, string])[]): ResponseHead {
  const match = typeof status === 'string' ? STATUS.exec(status) : null;
  if (match === null)
    throw badResponse(
      `the status is ${formatReceived(status)}; expected three digits and a reason, "200 OK"`,
    );
  if (!Array.isArray(headers)) throw badResponse('the headers are no array of [name, value]');
  const fields: string[] = [];
  for (const header of headers as unknown[]) {
    if (!Array.isArray(header) || typeof header[0] !== 'string' || typeof header[1] !== 'string')
      throw badResponse(`a header is ${formatReceived(header)}; expected [name, value], both strings`);
    fields.push(header[0], header[1]);
  }
  return applicationHead(Number(match[1]), match[2] ?? '', fields);
}

function checkBody(body: unknown): asserts body is WsgiBody {
  const isIterable =
    typeof body === 'object' && body !== null && (Symbol.iterator in body || Symbol.asyncIterator in body);
  if (isIterable && !(body instanceof Uint8Array)) return;
  throw badResponse(
    `the application returned ${body instanceof Uint8Array ? 'bytes' : formatKind(body)}; expected an iterable of Uint8Array: [Buffer.from(text)]`,
  );
}

function checkChunk(chunk: unknown): void {
  if (chunk instanceof Uint8Array) return;
  throw badResponse(
    `a piece of the body is of type ${typeof chunk}; expected a Uint8Array: Buffer.from(text)`,
  );
}
