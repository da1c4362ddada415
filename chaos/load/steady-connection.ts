/**
 * A client that sends without pause: as soon as what it sent is answered it sends again, over the same connection for as long as
 * the server keeps that, else over another.
 *
 * What it counts:
 *  * A request is lost if its connection ends, or a minute passes, before its whole answer is there. Also if the server had closed at
 *    that moment and the client could not know: a server that waits for its clients has to leave room for that.
 *  * A connection that the server ends while nothing is outstanding loses nothing.
 *  * Requests that were pipelined behind an answer with `Connection: close` were not processed (RFC 9112 section 9.6): they are sent again.
 */
import { connect, type Socket } from 'node:net';
import { AnswerParser, type Answer } from '../http/answer-parser.js';
import type { LoadPlan } from './plan.js';
import { checkAnswer, makeRequest, type SentRequest } from './request.js';
import type { Tally } from './tally.js';

/** What the connections of a load share. */
export interface SharedLoad {
  readonly plan: LoadPlan;
  readonly tally: Tally;
  stopping: boolean;
}

/** A server that refuses is asked again, but not in a loop that takes the processor away from it. */
const REFUSED_PAUSE_MS = 10;
const ANSWER_LIMIT_MS = 60_000;

export class SteadyConnection {
  /** Settles when the client is through. */
  readonly done: Promise<void>;
  readonly #shared: SharedLoad;
  readonly #name: string;
  readonly #outstanding: SentRequest[] = [];
  #socket: Socket | undefined;
  #parser = this.#newParser();
  #next: number;
  #requests = 0;
  /** On the present connection. */
  #answers = 0;
  #isDone = false;
  #finish!: () => void;

  constructor(shared: SharedLoad, index: number) {
    this.#shared = shared;
    this.#name = `${shared.plan.prefix}${index}`;
    // Not all at the same place: else all would be at the same kind of request at the same time.
    this.#next = index * 7;
    this.done = new Promise((resolve) => (this.#finish = resolve));
    this.#open();
  }

  /** Gives up what has waited for too long. */
  check(nowMs: number): void {
    const [oldest] = this.#outstanding;
    if (oldest !== undefined && nowMs - oldest.sentAtMs > ANSWER_LIMIT_MS)
      this.#end('no answer within a minute');
  }

  /** Ends whatever is under way; what is outstanding is lost. */
  destroy(): void {
    this.#shared.stopping = true;
    this.#end('no answer at the end of the load');
  }

  get #mayGoOn(): boolean {
    const { stopping, plan, tally } = this.#shared;
    return !stopping && tally.sent < plan.maxRequests;
  }

  #open(): void {
    if (!this.#mayGoOn) {
      this.#isDone = true;
      this.#finish();
      return;
    }
    const { plan, tally } = this.#shared;
    const socket = connect({ host: '127.0.0.1', port: plan.port, noDelay: true });
    let isOpen = false;
    let why = 'the connection was closed';
    this.#socket = socket;
    this.#answers = 0;
    this.#parser = this.#newParser();
    socket.on('connect', () => {
      isOpen = true;
      this.#send();
    });
    socket.on('data', (bytes) => this.#receive(bytes));
    socket.on('error', (error: NodeJS.ErrnoException) => (why = `the connection broke: ${error.code}`));
    socket.on('close', () => {
      if (this.#socket !== socket) return;
      if (isOpen) {
        if (this.#outstanding.length === 0) tally.closedIdle++;
        this.#end(why);
      } else this.#wasRefused();
    });
  }

  #wasRefused(): void {
    this.#shared.tally.refused++;
    if (this.#shared.plan.stopWhenRefused) this.#shared.stopping = true;
    setTimeout(() => this.#open(), REFUSED_PAUSE_MS);
  }

  #newParser(): AnswerParser {
    return new AnswerParser((answer) => this.#answered(answer));
  }

  #send(): void {
    const { plan, tally } = this.#shared;
    if (!this.#mayGoOn) {
      this.#end('');
      return;
    }
    const pieces: (Buffer | string)[] = [];
    const nowMs = performance.now();
    for (let i = 0; i < plan.depth; i++) {
      const kind = plan.sequence[this.#next++ % plan.sequence.length]!;
      const request = makeRequest(kind, `${this.#name}-${++this.#requests}`, plan.closeEach);
      request.sentAtMs = nowMs;
      this.#outstanding.push(request);
      pieces.push(request.head);
      if (request.body) pieces.push(request.body);
      tally.sent++;
    }
    if (pieces.length === 1) this.#socket!.write(pieces[0]!, 'latin1');
    else this.#socket!.write(Buffer.concat(pieces.map((piece) => Buffer.from(piece as string, 'latin1'))));
  }

  #receive(bytes: Buffer): void {
    const parser = this.#parser;
    try {
      parser.push(bytes);
    } catch (error) {
      // The first one is what the bytes were for; those behind it can have no answer on this connection any more.
      this.#shared.tally.refuse(this.#outstanding.shift()?.id, (error as Error).message);
      this.#end('an answer before it was wrong');
    }
  }

  #answered(answer: Answer): void {
    const { tally } = this.#shared;
    const request = this.#outstanding[0];
    if (request === undefined) throw new Error('an answer came that nobody had asked for');
    if (answer.status === 200) {
      const origin = checkAnswer(answer, request);
      tally.answered(request, origin, performance.now() - request.sentAtMs);
    } else tally.failed(request, answer.status, answer.body);
    this.#outstanding.shift();
    this.#answers++;
    if (!answer.keepAlive) this.#wasToldToClose();
    else if (this.#outstanding.length === 0) {
      if (this.#parser.hasUnread) throw new Error('bytes came after the end of the answer');
      this.#send();
    }
  }

  #wasToldToClose(): void {
    const { tally } = this.#shared;
    tally.closedByAnswer++;
    tally.returned += this.#outstanding.length;
    tally.sent -= this.#outstanding.length;
    this.#outstanding.length = 0;
    this.#end('');
  }

  /** Leaves this connection for another one, or for good. */
  #end(why: string): void {
    if (this.#isDone) return;
    const where = `${why}, after ${this.#answers} answers on it`;
    for (const request of this.#outstanding) this.#shared.tally.lose(request, where);
    this.#outstanding.length = 0;
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.destroy();
    this.#open();
  }
}
