/**
 * What may happen to a run, act by act, and what has to hold after every one of them, whatever came before. The acts that are possible at
 * a moment are those that the contract of RunOwner (src/programs/runner.ts) and that of a client (src/types.ts) allow.
 */
import { vi } from 'vitest';
import type { ProgramEnd } from '../../../../src/wire/frames.js';
import {
  EXIT_0,
  EXIT_3,
  EXIT_MS,
  HALF_CLOSED_MS,
  KILLED,
  pass,
  share,
  Stage,
  TERMINATED,
  turn,
  type FakeProgram,
  type Shared,
} from './run-stage.js';

/** What a program prints, in the pieces in which it comes. */
export interface Document {
  readonly name: string;
  readonly method?: string;
  readonly nph?: boolean;
  readonly pieces: readonly string[];
  readonly answer: 'body' | 'empty' | 'redirect' | 'sendFile' | 'fail';
  /** Bytes that make the answer: the head, or as much of it as it takes to see that it is none. */
  readonly headBytes: number;
  /** Of a body: its Content-Length; or the bytes of the whole of it, with the chunks around it; else only its end tells. */
  readonly length?: number;
  readonly chunkedBytes?: number;
}

const PLAIN = 'Content-Type: text/plain\n\n';
const LENGTH = 'Content-Type: text/plain\nContent-Length: 6\n\n';
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

export const DOCUMENTS: readonly Document[] = [
  {
    name: 'a head in two pieces, and a body',
    pieces: [PLAIN.slice(0, 9), `${PLAIN.slice(9)}abc`, 'def'],
    answer: 'body',
    headBytes: PLAIN.length,
  },
  {
    name: 'a Content-Length, and more than that',
    pieces: [LENGTH, 'abc', 'defgh'],
    answer: 'body',
    headBytes: LENGTH.length,
    length: 6,
  },
  {
    name: 'a whole answer in one piece',
    pieces: [`${LENGTH}abcdef`],
    answer: 'body',
    headBytes: LENGTH.length,
    length: 6,
  },
  {
    name: 'chunks',
    nph: true,
    pieces: [`${CHUNKED}3\r\nab`, 'c\r\n', '0\r\n\r\n'],
    answer: 'body',
    headBytes: CHUNKED.length,
    chunkedBytes: 13,
  },
  { name: 'HEAD', method: 'HEAD', pieces: [PLAIN, 'abc'], answer: 'empty', headBytes: PLAIN.length },
  { name: '204', pieces: ['Status: 204\n\nabc', 'def'], answer: 'empty', headBytes: 13 },
  { name: 'a local redirect', pieces: ['Location: /y\n', '\nabc'], answer: 'redirect', headBytes: 14 },
  {
    name: 'X-Sendfile',
    pieces: [`X-Sendfile: /f\n${PLAIN}abc`, 'def'],
    answer: 'sendFile',
    headBytes: 15 + PLAIN.length,
  },
  { name: 'no head', pieces: ['Hello\n', 'world\n'], answer: 'fail', headBytes: 6 },
];

export const TIMEOUT_MS = 60_000;
export const IDLE_MS = 20_000;

export const ACTS = [
  'start',
  'write',
  'complain',
  'close',
  'exit 0',
  'exit 3',
  'kill',
  'fail',
  'goAway',
  'endInput',
  'startSink',
  'take',
  'cancel',
  'exitWait',
  'halfClosedWait',
  'idle',
  'timeout',
] as const;
export type Act = (typeof ACTS)[number];

/** Acts of the launcher come several to a turn; all others have turns of their own. */
const IN_ONE_READ: ReadonlySet<Act> = new Set<Act>([
  'start',
  'write',
  'complain',
  'close',
  'exit 0',
  'exit 3',
  'kill',
  'fail',
]);

const ENDS: Partial<Record<Act, ProgramEnd>> = { 'exit 0': EXIT_0, 'exit 3': EXIT_3, kill: KILLED };
const WAITS: Partial<Record<Act, number>> = {
  exitWait: EXIT_MS,
  halfClosedWait: HALF_CLOSED_MS + 200,
  idle: IDLE_MS + 200,
  timeout: TIMEOUT_MS + 200,
};

export interface PlayOptions {
  readonly document: Document;
  readonly httpVersion?: '1.0' | '1.1';
  /** What the runner tells between two acts of others comes in one turn of the event loop. */
  readonly inOneRead?: boolean;
  readonly isLaunched?: boolean;
  readonly shared?: Shared;
}

export class Play {
  readonly stage: Stage;
  readonly acts: Act[] = [];
  readonly #options: PlayOptions;
  #written = 0;
  /** The client went before it had all. */
  #goneTooEarly = false;
  /** Before the program had closed its output: what it has left to say is good for nothing. One that goes on behind a whole answer may go on. */
  #isUnwanted = false;
  /** Something but the program has had a say in the outcome. */
  #disturbed = false;
  /** The end of the program, as far as it was known when its output was judged. */
  #judgedEnd: ProgramEnd | undefined;
  #isJudged = false;

  constructor(options: PlayOptions) {
    this.#options = options;
    const { document, httpVersion = '1.1', isLaunched = false, shared = share({ isLaunched }) } = options;
    this.stage = new Stage({
      httpVersion,
      shared,
      timeoutMs: TIMEOUT_MS,
      idleTimeoutMs: IDLE_MS,
      ...(document.method === undefined ? {} : { method: document.method }),
      nph: document.nph ?? false,
    });
  }

  get #program(): FakeProgram | undefined {
    return this.stage.program;
  }

  /** Whether the client has all of its answer, as far as it can tell: nothing is heard of it any more. */
  get #hasAll(): boolean {
    const { answer, sink } = this.stage;
    if (answer === undefined) return false;
    if (answer.kind === 'fail') return true;
    if (answer.kind !== 'respond') return false;
    if (sink === undefined) return true;
    return sink.isDone || sink.text.length === this.#options.document.length;
  }

  may(act: Act): boolean {
    const program = this.#program;
    const { stage } = this;
    const { sink, isGone } = stage;
    switch (act) {
      case 'goAway':
        return !isGone && !this.#hasAll && (sink === undefined || sink.isCancelled);
      case 'endInput':
        return !isGone;
      case 'startSink':
        return sink !== undefined && !this.#started && !sink.isCancelled;
      case 'take':
        return sink !== undefined && sink.untaken.length > 0;
      case 'cancel':
        return sink !== undefined && !sink.isCancelled && !this.#hasAll;
      case 'exitWait':
      case 'halfClosedWait':
      case 'idle':
      case 'timeout':
        return true;
      default:
        return program !== undefined && this.#programMay(program, act);
    }
  }

  #programMay(program: FakeProgram, act: Act): boolean {
    switch (act) {
      case 'start':
        return program.mayStart;
      case 'write':
        return program.mayWrite && this.#written < this.#options.document.pieces.length;
      case 'complain':
        return program.isStarted && !program.hasFailed;
      case 'close':
        return program.mayClose;
      case 'fail':
        return !program.isOver;
      default:
        return program.mayEnd;
    }
  }

  #started = false;

  do(act: Act): void {
    this.acts.push(act);
    this.#perform(act);
    if (this.#options.inOneRead !== true || !IN_ONE_READ.has(act)) turn();
    this.#noteJudgement(act);
    this.check();
  }

  #perform(act: Act): void {
    const { stage } = this;
    // Between the turn of one act and that of another the microtasks have run.
    if (!IN_ONE_READ.has(act)) turn();
    const end = ENDS[act];
    if (end !== undefined) return this.#program!.exit(end);
    const wait = WAITS[act];
    if (wait !== undefined) {
      if (act !== 'exitWait') this.#disturbed = true;
      return pass(wait);
    }
    switch (act) {
      case 'start':
        return this.#program!.start();
      case 'write':
        return this.#program!.write(this.#options.document.pieces[this.#written++]!);
      case 'complain':
        return this.#program!.complain('a line\nand a part');
      case 'close':
        return this.#program!.close();
      case 'fail':
        this.#disturbed = true;
        return this.#program!.fail();
      case 'goAway':
        this.#disturbed = true;
        this.#leave(stage.answer === undefined || stage.sink !== undefined);
        return stage.goAway();
      case 'endInput':
        return stage.endInput();
      case 'startSink':
        this.#started = true;
        stage.sink!.start();
        return;
      case 'take':
        return stage.sink!.take();
      default:
        this.#disturbed = true;
        this.#leave(true);
        return stage.sink!.cancel();
    }
  }

  #leave(tooEarly: boolean): void {
    this.#goneTooEarly ||= tooEarly;
    this.#isUnwanted ||= tooEarly && !this.#isJudged;
  }

  #noteJudgement(act: Act): void {
    const program = this.#program;
    if (this.#isJudged || program === undefined || !program.isClosed) return;
    if (program.end === undefined && WAITS[act] === undefined) return;
    this.#isJudged = true;
    this.#judgedEnd = program.end;
  }

  // --- what has to hold ---

  check(): void {
    const program = this.#program;
    const { stage } = this;
    const { answers, overs, sink, shared, failure } = stage;
    const is = (holds: boolean, what: string): void => {
      if (!holds) throw new Error(`${what}, after: ${this.acts.join(', ')}`);
    };
    is(answers.length <= 1, `${answers.length} answers (${answers.map(({ kind }) => kind).join()})`);
    if (sink !== undefined)
      is(
        sink.ends + sink.failures.length <= 1,
        `a body with ${sink.ends} ends, ${sink.failures.length} errors`,
      );
    if (program === undefined) return;
    is(program.violations.length === 0, program.violations.join('; '));
    is(
      overs === (program.isOver ? 1 : 0),
      `over ${overs} times; the run is ${program.isOver ? '' : 'not '}over`,
    );
    if (this.#options.shared === undefined) {
      const placeIs = `the place is ${shared.places.taken === 0 ? 'free' : 'taken'}`;
      is(shared.places.taken === (program.isOver ? 0 : 1), placeIs);
      is(
        shared.watch.runningBy(null).length === shared.places.taken,
        'watched, and has no place; or the other way',
      );
    }
    // Nobody waits for what cannot become an answer any more.
    if (failure !== undefined || this.#isUnwanted)
      is(program.isAborted || program.isOver, 'it has failed, and was not aborted');
    this.#checkText(is);
  }

  /** What the client has is what was written; and it is told to be complete only if it is. */
  #checkText(is: (holds: boolean, what: string) => void): void {
    const { document } = this.#options;
    const { stage } = this;
    const { text, answer, sink } = stage;
    if (text === undefined || document.answer !== 'body' || answer?.kind !== 'respond') return;
    const whole = this.#content();
    is(whole.startsWith(text), `the body is ${JSON.stringify(text)}`);
    const isComplete = sink === undefined ? true : sink.ends > 0;
    if (!isComplete) return;
    is(text === whole, `the body ends with ${JSON.stringify(text)}`);
    is(this.#isFull || (this.#mayEnd && this.#program!.isClosed), 'the body ends too early');
    is(this.#isFull || (this.#judgedEnd?.signal ?? null) === null, 'the body of a killed program ends');
  }

  get #behindHead(): string {
    const { pieces, headBytes } = this.#options.document;
    return pieces.slice(0, this.#written).join('').slice(headBytes);
  }
  #content(): string {
    const { length, chunkedBytes } = this.#options.document;
    const written = this.#behindHead;
    if (chunkedBytes !== undefined) return written.slice(3, 6);
    return length === undefined ? written : written.slice(0, length);
  }
  get #isFull(): boolean {
    const { length, chunkedBytes } = this.#options.document;
    const need = length ?? chunkedBytes;
    return need !== undefined && this.#behindHead.length >= need;
  }
  get #mayEnd(): boolean {
    const { length, chunkedBytes } = this.#options.document;
    return this.#isFull || (length === undefined && chunkedBytes === undefined);
  }

  // --- its end ---

  /** Whatever was left undone is done, by a program that ends sooner or later; then all has to be over. */
  finish(): void {
    turn();
    const program = this.#program;
    if (program !== undefined && !program.isOver) {
      if (program.mayStart) this.do('start');
      const end = program.isAborted ? TERMINATED : undefined;
      if (program.mayClose && !program.isAborted) this.do('close');
      if (program.mayEnd) {
        this.acts.push('exit 0');
        program.exit(end ?? EXIT_0);
        turn();
        this.#noteJudgement('exit 0');
        this.check();
      }
      this.check();
    }
    this.#finishClient();
    this.check();
    this.#judge();
  }

  #finishClient(): void {
    const { stage } = this;
    const { sink } = stage;
    if (sink === undefined) return;
    if (!sink.isCancelled && !this.#started) {
      this.#started = true;
      sink.start();
    }
    sink.takeAll();
    this.acts.push('take');
  }

  #judge(): void {
    const program = this.#program;
    const { stage } = this;
    const { answers, overs, sink, shared } = stage;
    const is = (holds: boolean, what: string): void => {
      if (!holds) throw new Error(`${what}, after: ${this.acts.join(', ')}`);
    };
    is(overs === 1, `over ${overs} times`);
    is(this.#goneTooEarly || answers.length === 1, `${answers.length} answers at the end`);
    if (sink !== undefined && !sink.isCancelled)
      is(this.#goneTooEarly || sink.isDone, 'the body has neither an end nor an error');
    if (this.#options.shared === undefined) {
      is(shared.places.taken + shared.places.waiting === 0, 'a place is still taken');
      is(
        shared.places.served === (program === undefined ? 0 : 1),
        `${shared.places.served} have been served`,
      );
      is(shared.watch.runningBy(null).length === 0, 'it is still watched');
      is(vi.getTimerCount() === 0, `${vi.getTimerCount()} timers are left`);
    }
    if (program === undefined) return;
    const isWhole = stage.answer?.kind === 'respond' && stage.answer.response.body.kind === 'bytes';
    const isDropped = isWhole || sink?.isCancelled === true;
    if (!program.isAborted && !program.hasFailed && stage.failure === undefined && !isDropped)
      is(program.taken_ === program.written, `${program.taken_} of ${program.written} bytes are given back`);
    if (!this.#disturbed && this.#options.shared === undefined) this.#judgeAnswer(is, program);
  }

  /** Nobody but the program had a say: then what it has done tells the answer. */
  #judgeAnswer(is: (holds: boolean, what: string) => void, program: FakeProgram): void {
    const { document } = this.#options;
    const { stage } = this;
    const end = this.#judgedEnd;
    const signal = end?.signal ?? null;
    const seen = document.pieces.slice(0, this.#written).join('');
    const kind = stage.answer?.kind;
    if (document.answer === 'fail' && this.#written > 0) {
      is(stage.failure?.code === 'XGI_CGI_BAD_HEAD', `the answer is ${kind}, ${stage.failure?.code}`);
      is(program.isAborted || program.end !== undefined, 'a program without a head goes on');
    } else if (seen.length < document.headBytes) {
      const code =
        signal !== null
          ? 'XGI_CGI_SIGNAL'
          : (end?.code ?? 0) !== 0
            ? 'XGI_CGI_EXIT'
            : /^XGI_CGI_(NO|BAD)_HEAD$/;
      is(matches(code, stage.failure?.code), `the answer is ${kind}, ${stage.failure?.code}`);
    } else if (document.answer !== 'body') {
      is(kind === (document.answer === 'empty' ? 'respond' : document.answer), `the answer is ${kind}`);
      is(!program.isAborted, 'a program that has answered is aborted');
    } else if (this.#isFull || (this.#mayEnd && signal === null)) {
      is(stage.failure === undefined, `a complete answer fails: ${stage.failure?.message}`);
      is(stage.text === this.#content(), `the body is ${JSON.stringify(stage.text)}`);
      is(!program.isAborted, 'a program that has answered is aborted');
    } else {
      is(stage.failure?.code === 'XGI_CGI_TRUNCATED', `the answer is ${kind}, ${stage.failure?.code}`);
    }
  }
}

function matches(expected: string | RegExp, code: string | undefined): boolean {
  return typeof expected === 'string' ? expected === code : expected.test(code ?? '');
}
