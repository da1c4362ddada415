/**
 * A stage for one request that a program answers: a program, a client and a clock that do what the test says, around a real CgiRun with
 * real Places, a real RunWatch and a real OutputBody. Fake timers have to be installed before: the clock is `vi`'s.
 */
import { vi } from 'vitest';
import { GatewayError } from '../../../../src/errors.js';
import { CgiRun, type Outcome } from '../../../../src/handlers/cgi/cgi-run.js';
import type { ResponseHead } from '../../../../src/http/response-head.js';
import { LaunchedRun } from '../../../../src/programs/launched-run.js';
import { Places } from '../../../../src/places/places.js';
import { PROGRAM_REFUSALS } from '../../../../src/programs/program-refusals.js';
import type { ProgramPool } from '../../../../src/programs/program-pool.js';
import type { Run, Runner, RunnerStatus, RunOrder, RunOwner } from '../../../../src/programs/runner.js';
import { RunWatch } from '../../../../src/programs/run-watch.js';
import type {
  BodySink,
  BodySource,
  GatewayRequest,
  GatewayResponse,
  InputEndListener,
} from '../../../../src/types.js';
import { FrameEncoder } from '../../../../src/wire/encoder.js';
import type { ProgramEnd } from '../../../../src/wire/frames.js';
import { fakeRequest } from '../../../support/finish.js';
import { MemoryLog } from '../../../support/wsgi-site.js';

export const PID = 4242;
export const EXIT_0: ProgramEnd = { code: 0, signal: null, stderrDropped: 0 };
export const EXIT_3: ProgramEnd = { code: 3, signal: null, stderrDropped: 0 };
export const KILLED: ProgramEnd = { code: null, signal: 9, stderrDropped: 0 };
export const TERMINATED: ProgramEnd = { code: null, signal: 15, stderrDropped: 0 };
export const UNKNOWN_END: ProgramEnd = { code: null, signal: null, stderrDropped: 0 };
export const ORDER: RunOrder = {
  command: { path: '/cgi/x', argv: ['/cgi/x'], cwd: '/cgi', warm: null },
  environ: 'UNIQUE_ID\x001-7',
  body: Buffer.alloc(0),
  more: false,
};

/** How long after the end of its output the end of a program is waited for. */
export const EXIT_MS = 250;
export const HALF_CLOSED_MS = 15_000;

/** The faked functions: with these a test has no turn of the event loop that it does not make itself. */
export const FAKED = [
  'performance',
  'setInterval',
  'clearInterval',
  'setTimeout',
  'clearTimeout',
  'queueMicrotask',
] as const;

export const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

/**
 * A program, as its runner tells of it. What its owner does against the contract of a Run is noted in `violations`; what the test has it
 * do against that of a RunOwner is an error of the test.
 */
export class FakeProgram implements Run {
  readonly runner = null;
  readonly violations: string[] = [];
  readonly order: RunOrder;
  isStarted = false;
  isClosed = false;
  end: ProgramEnd | undefined;
  hasFailed = false;
  aborts = 0;
  /** Bytes of output that were told, and given back. */
  written = 0;
  taken_ = 0;
  readonly owner: RunOwner;

  constructor(order: RunOrder, owner: RunOwner) {
    this.order = order;
    this.owner = owner;
  }

  get isAborted(): boolean {
    return this.aborts > 0;
  }
  /** Nothing more is told of it but standard error that was under way. */
  get isOver(): boolean {
    return this.hasFailed || (this.end !== undefined && (this.isClosed || this.isAborted));
  }
  get mayStart(): boolean {
    return !this.isStarted && !this.isOver && this.end === undefined;
  }
  get mayWrite(): boolean {
    return this.isStarted && !this.isClosed && !this.isOver;
  }
  get mayClose(): boolean {
    return this.mayWrite && !this.isAborted;
  }
  get mayEnd(): boolean {
    return this.isStarted && this.end === undefined && !this.isOver;
  }

  // --- from its owner ---

  taken(count: number): void {
    this.taken_ += count;
    if (!(count >= 0)) this.violations.push(`taken(${count})`);
    if (this.taken_ > this.written) this.violations.push(`${this.taken_} of ${this.written} bytes taken`);
  }

  feed(): boolean {
    return true;
  }
  endBody(): void {}

  abort(): void {
    if (this.isOver) this.violations.push('abort() of a run that is over: its process id may be another one');
    if (this.isAborted) this.violations.push('abort() twice');
    this.aborts++;
  }

  // --- what it does ---

  start(): void {
    must(this.mayStart, 'start');
    this.isStarted = true;
    this.tellStarted();
  }
  write(text: string | Buffer): void {
    must(this.mayWrite, 'write');
    const chunk = typeof text === 'string' ? bytes(text) : text;
    this.written += chunk.length;
    this.tellOutput(chunk);
  }
  complain(text: string): void {
    must(this.isStarted && !this.hasFailed, 'complain');
    this.tellErrorOutput(bytes(text));
  }
  close(): void {
    must(this.mayClose, 'close');
    this.isClosed = true;
    this.tellOutputEnded();
  }
  exit(end: ProgramEnd = EXIT_0): void {
    must(this.mayEnd, 'exit');
    this.end = end;
    this.tellEnded(end);
  }
  fail(error = new GatewayError(502, 'XGI_CGI_LAUNCHER', 'the launcher ended')): void {
    must(!this.isOver, 'fail');
    this.hasFailed = true;
    this.tellFailed(error);
  }
  /** Starts, writes all that and ends. */
  do(text: string, end: ProgramEnd = EXIT_0): void {
    this.start();
    this.write(text);
    this.close();
    this.exit(end);
  }

  protected tellStarted(): void {
    this.owner.started(PID, false);
  }
  protected tellOutput(chunk: Buffer): void {
    this.owner.output(chunk);
  }
  protected tellErrorOutput(chunk: Buffer): void {
    this.owner.errorOutput(chunk);
  }
  protected tellOutputEnded(): void {
    this.owner.outputEnded();
  }
  protected tellEnded(end: ProgramEnd): void {
    this.owner.ended(end);
  }
  protected tellFailed(error: GatewayError): void {
    this.owner.failed(error);
  }
}

/** The same, told of by a launcher, by way of a real LaunchedRun. What was under way when it was aborted still comes. */
export class LaunchedProgram extends FakeProgram {
  readonly #launched: LaunchedRun;
  #known = true;

  constructor(order: RunOrder, owner: RunOwner) {
    super(order, owner);
    this.#launched = new LaunchedRun({
      stream: 1,
      launcher: null,
      owner,
      frames: new FrameEncoder(),
      flushSoon: () => {},
      environ: order.environ,
      body: undefined,
      mayKill: false,
      over: () => (this.#known = false),
    });
  }

  /** END may have been under way. */
  override get mayClose(): boolean {
    return this.mayWrite;
  }
  override taken(count: number): void {
    super.taken(count);
    this.#launched.taken(count);
  }
  override abort(): void {
    super.abort();
    this.#launched.abort();
  }

  protected override tellStarted(): void {
    if (this.#known) this.#launched.started(PID, false);
  }
  protected override tellOutput(chunk: Buffer): void {
    if (this.#known) this.#launched.data(chunk);
  }
  protected override tellErrorOutput(chunk: Buffer): void {
    if (this.#known) this.#launched.stderr(chunk);
  }
  protected override tellOutputEnded(): void {
    if (this.#known) this.#launched.end();
  }
  protected override tellEnded(end: ProgramEnd): void {
    if (this.#known) this.#launched.programEnded(end);
  }
  protected override tellFailed(): void {
    if (this.#known) this.#launched.orphaned('status 1');
  }
}

function must(allowed: boolean, what: string): void {
  if (!allowed) throw new Error(`the test breaks the contract of RunOwner: ${what}`);
}

export class FakeRunner implements Runner {
  readonly programs: FakeProgram[] = [];
  isReady = true;
  onReady: () => void = () => {};
  /** Thrown by the next `run`. */
  refusal: Error | undefined;
  isLaunched = false;

  start(): Promise<void> {
    return Promise.resolve();
  }
  run(order: RunOrder, owner: RunOwner): Run {
    const { refusal } = this;
    this.refusal = undefined;
    if (refusal !== undefined) throw refusal;
    const program = new (this.isLaunched ? LaunchedProgram : FakeProgram)(order, owner);
    this.programs.push(program);
    return program;
  }
  reload(): void {}
  stop(): Promise<void> {
    return Promise.resolve();
  }
  status(): RunnerStatus[] {
    return [{ pid: null, ready: true, startedAtMs: 0, generation: 1, served: 0, booted: 0, crashed: 0 }];
  }
}

/** Takes a body; keeps what it has yet to say that it has taken. */
export class FakeSink implements BodySink {
  text = '';
  ends = 0;
  failures: Error[] = [];
  readonly untaken: number[] = [];
  isCancelled = false;
  readonly #source: BodySource;
  readonly #takesAtOnce: boolean;

  constructor(source: BodySource, { takesAtOnce = false } = {}) {
    this.#source = source;
    this.#takesAtOnce = takesAtOnce;
  }

  data(chunk: Buffer): void {
    this.text += chunk.toString('latin1');
    if (this.#takesAtOnce) this.#source.taken(chunk.length);
    else this.untaken.push(chunk.length);
  }
  end(): void {
    this.ends++;
  }
  error(error: Error): void {
    this.failures.push(error);
  }

  get isDone(): boolean {
    return this.ends + this.failures.length > 0;
  }
  start(): this {
    this.#source.start(this);
    return this;
  }
  take(): void {
    const count = this.untaken.shift();
    if (count !== undefined) this.#source.taken(count);
  }
  takeAll(): void {
    while (this.untaken.length > 0) this.take();
  }
  cancel(): void {
    this.isCancelled = true;
    this.#source.cancel();
  }
}

export type Answer =
  | { readonly kind: 'respond'; readonly response: GatewayResponse }
  | { readonly kind: 'redirect'; readonly target: string }
  | { readonly kind: 'sendFile'; readonly path: string; readonly head: ResponseHead }
  | { readonly kind: 'fail'; readonly error: Error };

export interface Shared {
  readonly runner: FakeRunner;
  readonly places: Places;
  readonly watch: RunWatch;
}

export interface SharedOptions {
  readonly places?: number;
  readonly maxWaiting?: number;
  readonly waitTimeoutMs?: number;
  readonly isLaunched?: boolean;
}

export function share(options: SharedOptions = {}): Shared {
  const { places = 1, maxWaiting = 10, waitTimeoutMs = 30_000, isLaunched = false } = options;
  const runner = new FakeRunner();
  runner.isLaunched = isLaunched;
  const isOpen = (): boolean => runner.isReady;
  return {
    runner,
    places: new Places({ places, maxWaiting, waitTimeoutMs, ...PROGRAM_REFUSALS, isOpen }),
    watch: new RunWatch(),
  };
}

export interface StageOptions {
  readonly method?: string;
  readonly httpVersion?: '1.0' | '1.1';
  readonly nph?: boolean;
  readonly timeoutMs?: number;
  readonly idleTimeoutMs?: number;
  /** Default: one place, for this run. */
  readonly shared?: Shared;
  /** The client has gone before the run begins. */
  readonly isGone?: boolean;
}

export class Stage {
  readonly shared: Shared;
  readonly run: CgiRun;
  readonly log = new MemoryLog();
  readonly answers: Answer[] = [];
  /** How often `outcome.over` was called. */
  overs = 0;
  /** Statuses of the interim responses. */
  readonly interim: number[] = [];
  isGone = false;
  #sink: FakeSink | undefined;
  #onAbort: (() => void) | undefined;
  #onInputEnd: InputEndListener | undefined;

  constructor(options: StageOptions = {}) {
    const { nph = false, timeoutMs = 0, idleTimeoutMs = 0, shared = share(), isGone = false } = options;
    this.shared = shared;
    this.isGone = isGone;
    this.run = new CgiRun({
      request: this.#request(options),
      order: ORDER,
      bodyStream: undefined,
      name: '/cgi/x',
      nph,
      pool: shared as unknown as ProgramPool,
      timeoutMs,
      idleTimeoutMs,
      log: this.log,
      outcome: this.#outcome(),
    });
    this.run.begin();
  }

  #request({ method = 'GET', httpVersion = '1.1' }: StageOptions): GatewayRequest {
    return fakeRequest({
      method,
      httpVersion,
      onAbort: (listener) => {
        if (this.isGone) listener();
        else this.#onAbort = listener;
      },
      onInputEnd: (listener) => (this.#onInputEnd = listener),
      inform: ({ status }) => this.interim.push(status),
    });
  }

  #outcome(): Outcome {
    return {
      respond: (response) => this.answers.push({ kind: 'respond', response }),
      redirect: (path, query) => this.answers.push({ kind: 'redirect', target: `${path}?${query}` }),
      sendFile: (path, head) => this.answers.push({ kind: 'sendFile', path, head }),
      fail: (error) => this.answers.push({ kind: 'fail', error }),
      over: () => this.overs++,
    };
  }

  /** Its program; there is one as soon as it has a place. */
  get program(): FakeProgram {
    return this.shared.runner.programs.find(({ owner }) => owner === this.run)!;
  }
  get hasProgram(): boolean {
    return this.program !== undefined;
  }

  // --- the client ---

  goAway(): void {
    this.isGone = true;
    const listener = this.#onAbort;
    this.#onAbort = undefined;
    listener?.();
  }

  endInput(): void {
    this.#onInputEnd?.inputEnded();
  }

  /** What takes the body, once the answer has one that streams. */
  get sink(): FakeSink | undefined {
    const [answer] = this.answers;
    if (this.#sink === undefined && answer?.kind === 'respond' && answer.response.body.kind === 'stream')
      this.#sink = new FakeSink(answer.response.body.source);
    return this.#sink;
  }

  // --- what has become of it ---

  get answer(): Answer | undefined {
    return this.answers[0];
  }
  get head(): ResponseHead | undefined {
    const { answer } = this;
    if (answer?.kind === 'respond') return answer.response.head;
    return answer?.kind === 'sendFile' ? answer.head : undefined;
  }
  /** Of the error that the client was answered with, or that has cut off its body. */
  get failure(): GatewayError | undefined {
    const { answer } = this;
    const error = answer?.kind === 'fail' ? answer.error : this.#sink?.failures[0];
    return error as GatewayError | undefined;
  }
  /** The body as the client has it. */
  get text(): string | undefined {
    const { answer } = this;
    if (answer?.kind !== 'respond') return undefined;
    const { body } = answer.response;
    if (body.kind === 'bytes') return body.bytes.toString('latin1');
    return body.kind === 'stream' ? (this.#sink?.text ?? '') : '';
  }
}

/** Runs what waits for the end of this turn. */
export function turn(): void {
  vi.runAllTicks();
}

/** Lets time go by, as the turns of the event loop do. */
export function pass(ms: number): void {
  vi.runAllTicks();
  vi.advanceTimersByTime(ms);
}
