/**
 * One request that a program answers: it waits for a place, the program runs, its head becomes the response, and what follows streams to the
 * client as it is written.
 *
 *     waiting ─ place ─▶ head ─ head complete ─▶ body ─▶ over
 *                          └─ no body wanted, or a redirect ─▶ draining ─▶ over
 *
 * A body that is still coming goes to the program as that reads it. It has to be over before a response is complete: the server would take the
 * program's input away. If it breaks off, the program is ended without having seen an end.
 *
 * The place is given back when the program has ended, whatever has become of the request. A program that closes its standard output and goes on
 * has answered; one that a signal has killed has not, unless its answer was complete by its Content-Length.
 */
import { GatewayError } from '../../errors.js';
import { type CgiHead, CgiHeadParser } from '../../gateway/cgi-head.js';
import { hasNoBody, type ResponseHead } from '../../http/response-head.js';
import { whoCloses } from '../../http/who-closes.js';
import { ErrorOutput } from '../../programs/error-output.js';
import type { ProgramPool } from '../../programs/program-pool.js';
import type { PlaceSeeker } from '../../places/places.js';
import type { Watched } from '../../programs/run-watch.js';
import type { Run, RunOrder, RunOwner } from '../../programs/runner.js';
import type { GatewayRequest, GatewayResponse, InputEndListener, Log } from '../../types.js';
import type { ProgramEnd } from '../../wire/frames.js';
import { makeAnswerHead } from './answer-head.js';
import type { BodyStream, BodyTaker } from './body-stream.js';
import { OutputBody } from './output-body.js';
import { describeEnd, named, type Subject, timedOut, truncated, withoutHead } from './run-failure.js';
import { clientGone } from '../client-gone.js';

export interface CgiRunOptions {
  readonly request: GatewayRequest;
  readonly order: RunOrder;
  /** What follows the body of the order, if that is only the beginning. */
  readonly bodyStream: BodyStream | undefined;
  /** As messages call the program: its path, as people write it. */
  readonly name: string;
  readonly nph: boolean;
  readonly pool: ProgramPool;
  /** 0 for none. */
  readonly timeoutMs: number;
  /** 0 for none. */
  readonly idleTimeoutMs: number;
  readonly log: Log;
  readonly outcome: Outcome;
}

/** What becomes of the request. Either `respond` (or `redirect`, or `sendFile`) or `fail` is called, once; and `over` when the program has ended. */
export interface Outcome {
  respond(response: GatewayResponse): void;
  /** The answer is that of another path of this server (RFC 3875 section 6.2.2). */
  redirect(path: string, query: string): void;
  /** The answer's body is a file, named by X-Sendfile. */
  sendFile(path: string, head: ResponseHead): void;
  fail(error: Error): void;
  over(): void;
}

/** What a program that is killed needs from the end of its output to the end of its process. */
const EXIT_MS = 250;
/** A client that has ended its input while its answer is under way may have gone: if nothing is written to it for so long, it has. */
const HALF_CLOSED_MS = 15_000;

export class CgiRun implements RunOwner, PlaceSeeker, Watched, InputEndListener, BodyTaker {
  readonly #options: CgiRunOptions;
  readonly #parser: CgiHeadParser;
  readonly #errors: ErrorOutput;
  #run: Run | undefined;
  #state: 'waiting' | 'head' | 'body' | 'draining' | 'over' = 'waiting';
  #startedAtMs = 0;
  /** When it last wrote anything; and when it last wrote something for the client. */
  #lastSignMs = 0;
  #lastOutputMs = 0;
  #pid: number | undefined;
  #body: OutputBody | undefined;
  /** The response has been handed over: what goes wrong from now on, only its body can tell. */
  #responded = false;
  #outputOver = false;
  /** The answer, kept back until the request body is over. */
  #keptBack: (() => void) | undefined;
  #end: ProgramEnd | undefined;
  /** Waits for the end of a program whose output has ended. */
  #exitTimer: NodeJS.Timeout | undefined;
  #failure: Error | undefined;
  #whoCloses: InputEndListener | undefined;
  #inputEndedAtMs = Infinity;

  constructor(options: CgiRunOptions) {
    this.#options = options;
    this.#parser = new CgiHeadParser({ nph: options.nph });
    const { log, name, request } = options;
    this.#errors = new ErrorOutput((line) => log.warn(`${name}: ${line}`, { requestId: request.id }));
  }

  get id(): string {
    return this.#options.request.id;
  }

  get method(): string {
    return this.#options.request.method;
  }

  get path(): string {
    return this.#options.request.path;
  }

  get startedAtMs(): number {
    return this.#startedAtMs;
  }

  get runner(): number | null {
    return this.#run?.runner ?? null;
  }

  /** Waits for a place. Called once. */
  begin(): void {
    const { request, pool } = this.#options;
    request.onAbort(() => this.#clientGone());
    request.onInputEnd(this);
    // The client may have gone while its body was being stored.
    if (this.#state === 'waiting') pool.places.seek(this);
  }

  // --- from the places ---

  placed(): void {
    const { pool, order, bodyStream } = this.#options;
    this.#state = 'head';
    this.#startedAtMs = this.#lastSignMs = this.#lastOutputMs = performance.now();
    try {
      this.#run = pool.runner.run(order, this);
    } catch (error) {
      this.#fail(error as Error);
      this.#over();
      return;
    }
    pool.watch.add(this);
    bodyStream?.flowTo(this);
  }

  refused(error: GatewayError): void {
    this.#failure = error;
    this.#options.outcome.fail(error);
    this.#over();
  }

  // --- from the runner ---

  started(pid: number, warm: boolean): void {
    this.#pid = pid;
    const { log, name } = this.#options;
    log.debug(`${name}: ${warm ? 'forked' : 'started'}`, { requestId: this.id, pid });
  }

  output(chunk: Buffer): void {
    this.#lastSignMs = this.#lastOutputMs = performance.now();
    switch (this.#state) {
      case 'head':
        this.#readHead(chunk);
        return;
      case 'body':
        this.#readBody(chunk);
        return;
      default:
        this.#run?.taken(chunk.length);
    }
  }

  errorOutput(chunk: Buffer): void {
    this.#lastSignMs = performance.now();
    this.#errors.push(chunk);
  }

  outputEnded(): void {
    this.#outputOver = true;
    if (this.#end === undefined) this.#exitTimer = setTimeout(() => this.#complete(), EXIT_MS);
    else this.#finish();
  }

  ended(end: ProgramEnd): void {
    this.#end = end;
    this.#errors.end();
    if (end.stderrDropped > 0)
      this.#warn(`${end.stderrDropped} bytes of its standard error were left out: there was too much of it`);
    // What it has started may go on writing; not if it was told to end.
    if (this.#outputOver || this.#state === 'over' || this.#failure !== undefined) this.#finish();
  }

  failed(error: GatewayError): void {
    this.#errors.end();
    this.#fail(named(error, this.#options.name));
    this.#over();
  }

  // --- its head ---

  #readHead(chunk: Buffer): void {
    try {
      const head = this.#parser.push(chunk);
      if (head === undefined) this.#run!.taken(chunk.length);
      else this.#answer(head, chunk.length);
    } catch (error) {
      this.#run!.taken(chunk.length);
      this.#fail(named(error as Error, this.#options.name));
      this.#abort();
    }
  }

  /** @param arrived the length of the chunk that has completed the head */
  #answer(head: CgiHead, arrived: number): void {
    if (head.kind === 'local-redirect') {
      this.#state = 'draining';
      this.#run!.taken(arrived);
      this.#afterBody(() => this.#options.outcome.redirect(head.path, head.query));
      return;
    }
    const { head: response, sendFile } = makeAnswerHead(head);
    this.#run!.taken(arrived - head.rest.length);
    if (sendFile !== undefined || hasNoBody(this.method, head.status)) {
      // The program goes on to its end: what it does after its head may be what it is for.
      this.#state = 'draining';
      this.#run!.taken(head.rest.length);
      const { outcome } = this.#options;
      this.#afterBody(() => {
        if (sendFile === undefined || hasNoBody('GET', head.status))
          outcome.respond({ head: response, body: { kind: 'empty' } });
        else outcome.sendFile(sendFile, response);
      });
      return;
    }
    this.#state = 'body';
    this.#body = new OutputBody({
      length: response.contentLength,
      chunked: head.kind === 'nph' && head.chunked,
      mayComplete: () => this.#isBodyOver,
      taken: (bytes) => this.#run!.taken(bytes),
      cancelled: () => this.#clientGone(),
    });
    if (head.rest.length > 0) this.#readBody(head.rest);
    // What has come together with the head leaves with it: the frames of one read are all seen before this.
    queueMicrotask(() => this.#respond(response, this.#body!));
  }

  #respond(head: ResponseHead, body: OutputBody): void {
    if (this.#failure !== undefined) return;
    this.#responded = true;
    const bytes = body.takeWhole();
    this.#options.outcome.respond({
      head,
      body: bytes === undefined ? { kind: 'stream', source: body } : { kind: 'bytes', bytes },
    });
  }

  #readBody(chunk: Buffer): void {
    try {
      this.#body!.push(chunk);
    } catch (error) {
      this.#run!.taken(chunk.length);
      this.#fail(named(error as Error, this.#options.name));
      this.#abort();
    }
  }

  // --- from a request body that is still coming, and from the program that reads it ---

  bodyChunk(chunk: Buffer): boolean {
    this.#lastSignMs = performance.now();
    return this.#run!.feed(chunk);
  }

  bodyEnded(): void {
    this.#run!.endBody();
    this.#bodyOver();
  }

  bodyFailed(error: Error): void {
    if (this.#state === 'over') return;
    this.#fail(error);
    this.#abort();
  }

  bodyWanted(): void {
    this.#lastSignMs = performance.now();
    this.#options.bodyStream?.resume();
  }

  bodyClosed(): void {
    this.#options.bodyStream?.drop();
    this.#bodyOver();
  }

  get #isBodyOver(): boolean {
    return this.#options.bodyStream?.isOver ?? true;
  }

  #afterBody(answer: () => void): void {
    if (this.#isBodyOver) answer();
    else this.#keptBack = answer;
  }

  /** What has waited for that goes on. */
  #bodyOver(): void {
    this.#answerKeptBack();
    if (this.#state === 'body' && this.#outputOver && this.#exitTimer === undefined) this.#complete();
  }

  #answerKeptBack(): void {
    const answer = this.#keptBack;
    this.#keptBack = undefined;
    answer?.();
    this.#body?.release();
  }

  // --- from the client ---

  inputEnded(): void {
    this.#inputEndedAtMs = Math.min(this.#inputEndedAtMs, performance.now());
    // The reset of one who has gone ends the program.
    if (this.#failure !== undefined) return;
    this.#whoCloses ??= whoCloses(this.#options.request);
    this.#whoCloses.inputEnded();
  }

  #clientGone(): void {
    if (this.#state === 'over' || this.#state === 'draining') return;
    const wasWaiting = this.#state === 'waiting';
    this.#state = 'draining';
    this.#failure ??= clientGone();
    if (!this.#responded) this.#options.outcome.fail(this.#failure);
    if (wasWaiting) this.#over();
    else this.#abort();
  }

  // --- its end ---

  check(nowMs: number): boolean {
    if (this.#failure !== undefined) return false;
    // A program that a slow client holds up is not idle; for clients there are other deadlines.
    if (this.#state === 'body' && this.#body!.untaken > 0) this.#lastSignMs = this.#lastOutputMs = nowMs;
    if (this.#options.bodyStream?.isAwaited === true) this.#lastSignMs = nowMs;
    if (this.#seemsGone(nowMs)) {
      this.#fail(
        new GatewayError(
          408,
          'XGI_HTTP_CLIENT_GONE',
          'the client has ended its input, and seems to have gone',
        ),
      );
      this.#abort();
      return false;
    }
    const what = this.#overdue(nowMs);
    if (what !== undefined) this.#timedOut(what);
    return what !== undefined;
  }

  /** A client that cannot be asked, because its answer has begun, or because it does not know interim responses. */
  #seemsGone(nowMs: number): boolean {
    const isAsked = this.#options.request.httpVersion !== '1.0';
    if (this.#state !== 'body' && (this.#state !== 'head' || isAsked)) return false;
    // It has its whole answer: what the program does behind it is not for the client.
    if (this.#body?.isFull === true) return false;
    return nowMs - Math.max(this.#lastOutputMs, this.#inputEndedAtMs) > HALF_CLOSED_MS;
  }

  #overdue(nowMs: number): string | undefined {
    const { timeoutMs, idleTimeoutMs } = this.#options;
    if (timeoutMs > 0 && nowMs - this.#startedAtMs > timeoutMs)
      return `has not ended after ${timeoutMs / 1000} s (--cgi-timeout)`;
    if (idleTimeoutMs > 0 && nowMs - this.#lastSignMs > idleTimeoutMs && !this.#outputOver)
      return `has written nothing for ${idleTimeoutMs / 1000} s (--cgi-idle-timeout)`;
    return undefined;
  }

  #timedOut(what: string): void {
    const error = timedOut(this.#subject, what);
    if (this.#state === 'draining') this.#warn(`${error.code}: ${error.message}`);
    this.#fail(error);
    this.#abort();
  }

  #abort(): void {
    this.#run?.abort();
    // One that had ended before is not told of again.
    if (this.#end !== undefined) this.#over();
  }

  /** Output and process have both ended, or nobody waits for one of them. */
  #finish(): void {
    this.#options.bodyStream?.drop();
    this.#answerKeptBack();
    this.#complete();
    this.#over();
  }

  /** Its output has ended, and how the program has ended is known, or it goes on without. */
  #complete(): void {
    clearTimeout(this.#exitTimer);
    this.#exitTimer = undefined;
    if (!this.#outputOver || this.#failure !== undefined) return;
    // It comes back here from #bodyOver.
    if (this.#state === 'body' && !this.#isBodyOver) return;
    const signal = this.#end?.signal ?? null;
    if (this.#state === 'head') this.#fail(withoutHead(this.#subject, this.#parser.seen));
    else if (this.#state === 'body') this.#completeBody(signal);
    // What has closed its output, and has not answered with it, is good for nothing any more.
    if (this.#failure !== undefined && this.#end === undefined) this.#abort();
    if (
      this.#end !== undefined &&
      (signal !== null || (this.#end.code ?? 0) !== 0) &&
      this.#failure === undefined
    )
      this.#options.log.info(`${this.#options.name}: ${describeEnd(this.#end)}, after its answer`, {
        code: 'XGI_CGI_EXIT',
        requestId: this.id,
      });
  }

  #completeBody(signal: number | null): void {
    const body = this.#body!;
    if (body.isFull || (signal === null && body.mayEnd)) {
      this.#state = 'draining';
      body.end();
      return;
    }
    this.#fail(truncated(this.#subject));
  }

  get #subject(): Subject {
    return { name: this.#options.name, end: this.#end, lastWords: this.#errors.last };
  }

  /** Tells the client, by whatever still can be told. */
  #fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    const state = this.#state;
    if (this.#responded) this.#body?.fail(error);
    else if (state === 'waiting' || state === 'head' || state === 'body' || this.#keptBack !== undefined)
      this.#options.outcome.fail(error);
    this.#keptBack = undefined;
    if (state !== 'over') this.#state = 'draining';
  }

  #warn(text: string): void {
    this.#options.log.warn(`${this.#options.name}: ${text}`, { requestId: this.id, pid: this.#pid });
  }

  /** The program has ended, or there never was one. */
  #over(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    clearTimeout(this.#exitTimer);
    const { pool, outcome, bodyStream } = this.#options;
    bodyStream?.drop();
    pool.watch.delete(this);
    pool.places.leave(this);
    outcome.over();
  }
}
