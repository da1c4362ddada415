/** Asks a server that is not ours, over HTTP: one URL, with GET, on connections that are kept open. Follows no redirects, decodes no content. */
import * as http from 'node:http';
import * as https from 'node:https';
import type { Fields } from '../types.js';
import { CollectedBytes } from '../bodies/collected-bytes.js';

export interface WebClientOptions {
  /** http or https. */
  readonly url: string;
  /** For all of an answer. */
  readonly timeoutMs: number;
  /** Of the body of an answer. */
  readonly maxBytes: number;
}

export interface WebAnswer {
  readonly status: number;
  readonly fields: Fields;
  readonly body: Buffer;
}

/** Why there is no answer: nobody answers; it takes too long; it is no HTTP, or too long; it is not wanted any more. */
export class WebError extends Error {
  readonly reason: 'unreachable' | 'late' | 'broken' | 'cancelled';

  constructor(reason: WebError['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

export interface Asked {
  /** Rejects with a {@link WebError}. */
  readonly answer: Promise<WebAnswer>;
  /** Nobody waits for it any more. */
  cancel(): void;
}

export class WebClient {
  readonly #options: WebClientOptions;
  readonly #url: URL;
  readonly #agent: http.Agent;

  constructor(options: WebClientOptions) {
    this.#options = options;
    this.#url = new URL(options.url);
    this.#agent = new (this.#url.protocol === 'https:' ? https : http).Agent({ keepAlive: true });
  }

  /** @param fields name, value, name, value …; not those of the connection */
  get(fields: Fields): Asked {
    const question = new Question(() => this.#send(fields), this.#options);
    return {
      answer: question.answer,
      cancel: () => question.fail(new WebError('cancelled', 'the client has gone')),
    };
  }

  /** Closes the connections that nobody uses. */
  close(): void {
    this.#agent.destroy();
  }

  #send(fields: Fields): http.ClientRequest {
    const headers: Record<string, string[]> = {};
    // Names of one field, however a client writes them: Node would send the last of them only.
    for (let i = 0; i < fields.length; i += 2)
      (headers[fields[i]!.toLowerCase()] ??= []).push(fields[i + 1]!);
    const { request } = this.#url.protocol === 'https:' ? https : http;
    return request(this.#url, { agent: this.#agent, headers });
  }
}

/** One request, which is sent again if its connection turns out to have been closed, until its answer. */
class Question {
  readonly answer: Promise<WebAnswer>;
  readonly #send: () => http.ClientRequest;
  readonly #maxBytes: number;
  #current: http.ClientRequest | undefined;
  #resolve!: (answer: WebAnswer) => void;
  #reject!: (error: WebError) => void;

  constructor(send: () => http.ClientRequest, { timeoutMs, maxBytes }: WebClientOptions) {
    this.#send = send;
    this.#maxBytes = maxBytes;
    const answer = new Promise<WebAnswer>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#ask();
    });
    const late = setTimeout(
      () => this.fail(new WebError('late', `no answer within ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
    this.answer = answer.finally(() => {
      clearTimeout(late);
      // Its connection may be another's by now.
      this.#current = undefined;
    });
  }

  fail(error: WebError): void {
    this.#reject(error);
    const given = this.#current;
    this.#current = undefined;
    given?.destroy();
  }

  #ask(): void {
    const request = this.#send();
    this.#current = request;
    let hasHead = false;
    request.on('response', (response) => {
      hasHead = true;
      collect(response, this.#maxBytes).then(this.#resolve, (error: WebError) => this.fail(error));
    });
    request.on('upgrade', () => this.fail(new WebError('broken', 'the answer changes the protocol')));
    request.on('error', (error: NodeJS.ErrnoException) => {
      // It had been closed by the other side while it was not used.
      const isStale = request.reusedSocket && GONE.has(error.code ?? '');
      if (request === this.#current && !hasHead && isStale) this.#ask();
      else this.fail(asWebError(error));
    });
    request.end();
  }
}

/** @throws WebError */
async function collect(response: http.IncomingMessage, maxBytes: number): Promise<WebAnswer> {
  const collected = new CollectedBytes(-1, maxBytes);
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      if (!collected.hasRoomFor(chunk.length))
        throw new WebError('broken', `the answer is longer than ${maxBytes} bytes`);
      collected.add(chunk);
    }
  } catch (error) {
    if (error instanceof WebError) throw error;
    throw new WebError('broken', `the answer broke off: ${(error as Error).message}`);
  }
  return { status: response.statusCode!, fields: response.rawHeaders, body: collected.bytes };
}

const GONE: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);

function asWebError(error: NodeJS.ErrnoException): WebError {
  const isBroken = error.code?.startsWith('HPE_') === true;
  return new WebError(isBroken ? 'broken' : 'unreachable', error.message || (error.code ?? 'no answer'));
}
