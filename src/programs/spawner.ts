/**
 * Runs programs where there is no Python for the launcher: as children of the gateway itself, by Node's own means.
 *
 * What differs (docs/guide/cgi.md): standard output and standard error are sockets, which a program cannot open as `/dev/stdout`; Node
 * has to copy itself for each program; Python scripts are never warm; there are no limits, and no user of their own.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import type { Socket } from 'node:net';
import { closeSync, openSync } from 'node:fs';
import type { GatewayError } from '../errors.js';
import { bytesOf, toText } from '../gateway/byte-text.js';
import {
  CREDIT_BYTES,
  type Run,
  type Runner,
  type RunnerStatus,
  type RunOrder,
  type RunOwner,
  stopped,
} from './runner.js';
import { SpawnedBody, type SpawnedBodyOwner } from './spawned-body.js';
import { startFailure } from './start-failure.js';

export interface SpawnerOptions {
  readonly environ: Readonly<Record<string, string>>;
  readonly killGraceMs: number;
  /** So much of the standard error of a run is passed on. */
  readonly stderrBytes: number;
}

export class Spawner implements Runner {
  readonly isReady = true;
  onReady: () => void = () => {};
  readonly #options: SpawnerOptions;
  readonly #runs = new Set<SpawnedRun>();
  readonly #startedAtMs = performance.now();
  #served = 0;

  constructor(options: SpawnerOptions) {
    this.#options = options;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  run(order: RunOrder, owner: RunOwner): Run {
    const run = new SpawnedRun(order, owner, this.#options, () => {
      if (this.#runs.delete(run)) this.#served++;
    });
    this.#runs.add(run);
    return run;
  }

  reload(): void {}

  async stop(graceMs: number): Promise<void> {
    const endMs = performance.now() + graceMs;
    const killMs = endMs + this.#options.killGraceMs * 2;
    while (this.#runs.size > 0 && performance.now() < killMs) {
      if (performance.now() >= endMs) for (const run of [...this.#runs]) run.stop();
      await new Promise((resolve) => setTimeout(resolve, STOP_POLL_MS));
    }
  }

  status(): RunnerStatus[] {
    return [
      {
        pid: null,
        ready: true,
        startedAtMs: this.#startedAtMs,
        generation: 1,
        served: this.#served,
        booted: 0,
        crashed: 0,
      },
    ];
  }
}

const STOP_POLL_MS = 20;
const ERROR_PAUSE_MS = 50;

class SpawnedRun implements Run, SpawnedBodyOwner {
  readonly runner = null;
  readonly #owner: RunOwner;
  readonly #options: SpawnerOptions;
  readonly #over: () => void;
  #process: ChildProcess | undefined;
  #stdout: Socket | undefined;
  /** Of an order that has only begun it. */
  #body: SpawnedBody | undefined;
  #credit = CREDIT_BYTES;
  #stderrBytes = 0;
  #stderrDropped = 0;
  #aborted = false;
  #kill: NodeJS.Timeout | undefined;
  /** Its owner has been told that nothing follows. */
  #failed = false;
  #exited = false;

  constructor(order: RunOrder, owner: RunOwner, options: SpawnerOptions, over: () => void) {
    this.#owner = owner;
    this.#options = options;
    this.#over = over;
    let input: number | 'ignore' | 'pipe' = order.body.length > 0 || order.more ? 'pipe' : 'ignore';
    try {
      if (order.command.bodyFile !== undefined) input = openSync(bytesOf(order.command.bodyFile), 'r');
      this.#spawn(order, input);
    } catch (error) {
      process.nextTick(() => this.#fail(error as NodeJS.ErrnoException));
    } finally {
      if (typeof input === 'number') closeSync(input);
    }
  }

  taken(length: number): void {
    this.#credit += length;
    if (this.#credit > 0 && this.#stdout?.isPaused()) this.#stdout.resume();
  }

  feed(chunk: Buffer): boolean {
    return this.#aborted || (this.#body?.feed(chunk) ?? true);
  }

  endBody(): void {
    if (!this.#aborted) this.#body?.end();
  }

  abort(): void {
    if (this.#aborted || this.#process?.pid === undefined) return;
    this.#aborted = true;
    this.#stdout?.destroy();
    const { pid } = this.#process;
    signalGroup(pid, 'SIGTERM');
    this.#kill = setTimeout(() => signalGroup(pid, 'SIGKILL'), this.#options.killGraceMs);
  }

  /** Ends it because the runner stops: its owner hears of nothing more. */
  stop(): void {
    this.abort();
    if (this.#failed) return;
    this.#failed = true;
    this.#owner.failed(stopped());
  }

  #spawn({ command, environ, body, more }: RunOrder, input: number | 'ignore' | 'pipe'): void {
    // Node encodes it as UTF-8 again: the same bytes, if they were that.
    const child = spawn(toText(command.path), command.argv.slice(1).map(toText), {
      argv0: toText(command.argv[0]!),
      cwd: toText(command.cwd),
      env: { ...mapValues(this.#options.environ, toText), ...readEnviron(environ) },
      // A session of its own, and so a process group.
      detached: true,
      stdio: [input, 'pipe', 'pipe'],
    });
    this.#process = child;
    this.#stdout = child.stdout as Socket;
    child.on('error', (error) => this.#fail(error));
    child.on('spawn', () => {
      if (!this.#failed) this.#owner.started(child.pid!, false);
    });
    child.stdout?.on('data', (chunk: Buffer) => this.#output(chunk));
    child.stdout?.on('end', () => {
      if (!this.#aborted && !this.#failed) this.#owner.outputEnded();
    });
    child.stderr?.on('data', (chunk: Buffer) => this.#errorOutput(chunk));
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.on('error', () => {});
    if (more && child.stdin) this.#body = new SpawnedBody(child.stdin, body, this);
    else child.stdin?.end(body);
    child.on('exit', (code, signal) => {
      const number = signal === null ? null : constants.signals[signal];
      this.#over();
      // Its number may soon be somebody else's.
      if (!signalGroup(child.pid!, 0)) clearTimeout(this.#kill);
      // What it wrote last may still have to be read.
      this.#afterErrors(() => {
        const end = { code, signal: number, stderrDropped: this.#stderrDropped };
        if (!this.#failed) this.#owner.ended(end);
      });
    });
  }

  bodyWanted(): void {
    if (!this.#failed) this.#owner.bodyWanted();
  }

  bodyClosed(): void {
    if (!this.#failed) this.#owner.bodyClosed();
  }

  #output(chunk: Buffer): void {
    if (this.#aborted) return;
    this.#credit -= chunk.length;
    if (this.#credit <= 0) this.#stdout?.pause();
    this.#owner.output(chunk);
  }

  #errorOutput(chunk: Buffer): void {
    const room = this.#options.stderrBytes - this.#stderrBytes;
    const passed = chunk.subarray(0, Math.max(room, 0));
    this.#stderrBytes += passed.length;
    this.#stderrDropped += chunk.length - passed.length;
    if (passed.length > 0 && !this.#failed) this.#owner.errorOutput(passed);
    if (passed.length < chunk.length && !this.#exited) this.#readErrorsLater();
  }

  /** Calls back when all has been read, or when somebody who is left holds it open. */
  #afterErrors(done: () => void): void {
    const stderr = this.#process?.stderr;
    this.#exited = true;
    if (!stderr || stderr.readableEnded || stderr.destroyed) {
      setImmediate(done);
      return;
    }
    const over = (): void => {
      clearTimeout(timer);
      stderr.off('end', over);
      done();
    };
    const timer = setTimeout(over, ERROR_PAUSE_MS);
    stderr.once('end', over);
    stderr.resume();
  }

  /** What is too much is read slowly: endless output then costs the program time, and not us. */
  #readErrorsLater(): void {
    const stderr = this.#process?.stderr;
    stderr?.pause();
    setTimeout(() => stderr?.resume(), ERROR_PAUSE_MS).unref();
  }

  #fail(error: NodeJS.ErrnoException): void {
    this.#failed = true;
    this.#over();
    this.#owner.failed(failureOf(error));
  }
}

function failureOf(error: NodeJS.ErrnoException): GatewayError {
  return startFailure(error.code ?? 'ENOENT', error.message);
}

/** @returns whether anybody was there to get it */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}

function mapValues(
  entries: Readonly<Record<string, string>>,
  change: (value: string) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries(entries).map(([name, value]) => [name, change(value)]));
}

function readEnviron(environ: string): Record<string, string> {
  const parts = environ.split('\0');
  const env: Record<string, string> = {};
  for (let i = 0; i + 1 < parts.length; i += 2) env[parts[i]!] = toText(parts[i + 1]!);
  return env;
}
