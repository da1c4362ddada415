import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { GatewayError } from '../../../src/errors.js';
import { LaunchedRun } from '../../../src/programs/launched-run.js';
import type { RunOwner } from '../../../src/programs/runner.js';
import { FrameEncoder } from '../../../src/wire/encoder.js';
import { FrameType, type ProgramEnd } from '../../../src/wire/frames.js';

const STREAM = 7;
const PID = 4_000_000;
const EXIT_0: ProgramEnd = { code: 0, signal: null, stderrDropped: 0 };
const FAILURE = { class: 'ENOENT', message: 'cannot execute /cgi/x', traceback: '' };
const MIN_CREDIT_BYTES = 65_536;

/** Notes what it is told. */
class Owner implements RunOwner {
  readonly calls: string[] = [];
  failure: GatewayError | undefined;
  /** What it does when it is told of something. */
  on: (call: string) => void = () => {};

  started(pid: number, warm: boolean): void {
    this.#note(`started ${pid}${warm ? ' warm' : ''}`);
  }
  output(chunk: Buffer): void {
    this.#note(`output ${chunk.toString()}`);
  }
  errorOutput(chunk: Buffer): void {
    this.#note(`errorOutput ${chunk.toString()}`);
  }
  outputEnded(): void {
    this.#note('outputEnded');
  }
  ended({ code, signal }: ProgramEnd): void {
    this.#note(`ended ${code ?? signal}`);
  }
  bodyWanted(): void {
    this.#note('bodyWanted');
  }
  bodyClosed(): void {
    this.#note('bodyClosed');
  }
  failed(error: GatewayError): void {
    this.failure = error;
    this.#note(`failed ${error.code}`);
  }

  #note(call: string): void {
    this.calls.push(call);
    this.on(call);
  }
}

function make({ environ = 'A\0b\0UNIQUE_ID\0x-1', mayKill = true } = {}) {
  const owner = new Owner();
  const encoder = new FrameEncoder();
  const seen = { overs: 0, flushes: 0 };
  const run = new LaunchedRun({
    stream: STREAM,
    launcher: null,
    owner,
    frames: encoder,
    flushSoon: () => seen.flushes++,
    environ,
    body: undefined,
    mayKill,
    over: () => seen.overs++,
  });
  return { run, owner, seen, frames: () => readFrames(encoder) };
}

/** `abort`, `credit 65536`, as they were written since the last call; all of them on the stream of the run. */
function readFrames(encoder: FrameEncoder): string[] {
  const frames: string[] = [];
  encoder.flush((written) => {
    for (let at = 0; at < written.length; at += 12 + written.readUInt32LE(at)) {
      expect(written.readUInt32LE(at + 4)).toBe(STREAM);
      const type = written[at + 8];
      if (type === FrameType.CREDIT) frames.push(`credit ${written.readUInt32LE(at + 12)}`);
      else frames.push(type === FrameType.ABORT ? 'abort' : `frame ${type}`);
    }
    return true;
  });
  return frames;
}

let kills: [number, unknown][];

beforeEach(() => {
  kills = [];
  vi.spyOn(process, 'kill').mockImplementation((pid, signal) => {
    kills.push([pid, signal]);
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe('credit', () => {
  test('is given back in pieces, each byte once', () => {
    const { run, seen, frames } = make();
    run.started(PID, false);
    run.taken(MIN_CREDIT_BYTES - 1);
    expect(frames()).toEqual([]);
    expect(seen.flushes).toBe(0);
    run.taken(1);
    expect(frames()).toEqual([`credit ${MIN_CREDIT_BYTES}`]);
    expect(seen.flushes).toBe(1);
    run.taken(3 * MIN_CREDIT_BYTES);
    expect(frames()).toEqual([`credit ${3 * MIN_CREDIT_BYTES}`]);
    for (let i = 0; i < 128; i++) run.taken(1024);
    expect(frames()).toEqual([`credit ${MIN_CREDIT_BYTES}`, `credit ${MIN_CREDIT_BYTES}`]);
  });

  test('is given while others hold the output of a program that has ended', () => {
    const { run, frames } = make();
    run.started(PID, false);
    run.programEnded(EXIT_0);
    run.taken(MIN_CREDIT_BYTES);
    expect(frames()).toEqual([`credit ${MIN_CREDIT_BYTES}`]);
  });

  test('is of no use when output has ended, or is not wanted', () => {
    const ended = make();
    ended.run.started(PID, false);
    ended.run.end();
    ended.run.taken(MIN_CREDIT_BYTES);
    expect(ended.frames()).toEqual([]);

    const aborted = make();
    aborted.run.started(PID, false);
    aborted.run.abort();
    aborted.run.taken(MIN_CREDIT_BYTES);
    expect(aborted.frames()).toEqual(['abort']);
  });
});

describe('what the launcher tells', () => {
  test('is passed on as it comes', () => {
    const { run, owner, seen } = make();
    run.started(PID, true);
    run.data(Buffer.from('a'));
    run.stderr(Buffer.from('b'));
    run.data(Buffer.from('c'));
    run.end();
    run.programEnded(EXIT_0);
    expect(owner.calls).toEqual([
      `started ${PID} warm`,
      'output a',
      'errorOutput b',
      'output c',
      'outputEnded',
      'ended 0',
    ]);
    expect(seen.overs).toBe(1);
  });

  test.each([
    ['END, then EXITED', ['end', 'programEnded']],
    ['EXITED, then END', ['programEnded', 'end']],
  ] as const)('it is over with the second of them: %s', (_, [first, second]) => {
    const { run, seen } = make();
    run.started(PID, false);
    run[first](EXIT_0);
    expect(seen.overs).toBe(0);
    run[second](EXIT_0);
    expect(seen.overs).toBe(1);
  });

  test('DATA after EXITED is output', () => {
    const { run, owner } = make();
    run.started(PID, false);
    run.programEnded(EXIT_0);
    run.data(Buffer.from('of a descendant'));
    run.end();
    expect(owner.calls.slice(1)).toEqual(['ended 0', 'output of a descendant', 'outputEnded']);
  });

  test('an ERROR: it could not be started, and is over', () => {
    const { run, owner, seen } = make();
    // Who hears of it may have its place given to the next run at once: the stream is free then.
    owner.on = () => expect(seen.overs).toBe(1);
    run.error(FAILURE);
    expect(owner.calls).toEqual([`failed ${owner.failure!.code}`]);
    expect(owner.failure!.message).toContain('cannot execute /cgi/x (ENOENT)');
    expect(seen.overs).toBe(1);
  });
});

describe('one that is aborted', () => {
  test('is so once', () => {
    const { run, seen, frames } = make();
    run.started(PID, false);
    run.abort();
    run.abort();
    expect(frames()).toEqual(['abort']);
    expect(seen.flushes).toBe(1);
    run.programEnded({ code: null, signal: 15, stderrDropped: 0 });
    run.abort();
    expect(frames()).toEqual([]);
    expect(seen.overs).toBe(1);
  });

  test('may be so before it was started', () => {
    const { run, owner, seen, frames } = make();
    run.abort();
    expect(frames()).toEqual(['abort']);
    run.started(PID, false);
    run.programEnded({ code: null, signal: 15, stderrDropped: 0 });
    expect(owner.calls).toEqual([`started ${PID}`, 'ended 15']);
    expect(seen.overs).toBe(1);
  });

  test('tells nothing more of output that was under way, but how it ends', () => {
    const { run, owner, seen, frames } = make();
    run.started(PID, false);
    run.abort();
    run.data(Buffer.alloc(MIN_CREDIT_BYTES));
    run.stderr(Buffer.from('last words'));
    run.end();
    expect(seen.overs).toBe(0);
    run.programEnded({ code: null, signal: 15, stderrDropped: 0 });
    expect(owner.calls).toEqual([`started ${PID}`, 'errorOutput last words', 'ended 15']);
    expect(seen.overs).toBe(1);
    expect(frames()).toEqual(['abort']);
  });

  test('when the program has ended, and others hold its output: they are ended, and it is over', () => {
    const { run, seen, frames } = make();
    run.started(PID, false);
    run.programEnded(EXIT_0);
    run.abort();
    expect(frames()).toEqual(['abort']);
    expect(seen.overs).toBe(1);
  });

  test('when its output has ended: it is over with its end', () => {
    const { run, owner, seen, frames } = make();
    run.started(PID, false);
    run.end();
    run.abort();
    expect(frames()).toEqual(['abort']);
    expect(seen.overs).toBe(0);
    run.programEnded(EXIT_0);
    expect(owner.calls).toEqual([`started ${PID}`, 'outputEnded', 'ended 0']);
    expect(seen.overs).toBe(1);
  });

  test('by its owner, while it is told of the end of its output', () => {
    const { run, owner, seen, frames } = make();
    owner.on = (call) => call === 'outputEnded' && run.abort();
    run.started(PID, false);
    run.end();
    expect(frames()).toEqual(['abort']);
    run.programEnded(EXIT_0);
    expect(seen.overs).toBe(1);
  });
});

describe('one that is over', () => {
  test('has nothing to send any more', () => {
    const { run, seen, frames } = make();
    run.started(PID, false);
    run.end();
    run.programEnded(EXIT_0);
    run.taken(MIN_CREDIT_BYTES);
    run.abort();
    expect(frames()).toEqual([]);
    expect(seen).toEqual({ overs: 1, flushes: 0 });
  });

  test('tells nobody of the end of an output that was under way', () => {
    const { run, owner } = make();
    run.started(PID, false);
    run.abort();
    run.programEnded(EXIT_0);
    const before = [...owner.calls];
    run.data(Buffer.from('late'));
    run.end();
    expect(owner.calls).toEqual(before);
  });
});

describe('one that has lost its launcher', () => {
  test('fails, its group is killed, and it is named to those who look for what is left', () => {
    const { run, owner } = make();
    run.started(PID, false);
    expect(run.orphaned('SIGKILL')).toEqual({ requestId: 'x-1', pid: PID });
    expect(kills).toEqual([[-PID, 'SIGKILL']]);
    expect(owner.failure).toMatchObject({ status: 502, code: 'XGI_CGI_LAUNCHER' });
    expect(owner.failure!.message).toContain('SIGKILL');
  });

  test('before its process id was told', () => {
    const { run, owner } = make();
    expect(run.orphaned('status 1')).toEqual({ requestId: 'x-1', pid: undefined });
    expect(kills).toEqual([]);
    expect(owner.calls).toEqual(['failed XGI_CGI_LAUNCHER']);
  });

  test('when the program has ended: its process id may be of another one', () => {
    const { run, owner } = make();
    run.started(PID, false);
    run.programEnded(EXIT_0);
    expect(run.orphaned('status 1')).toEqual({ requestId: 'x-1', pid: PID });
    expect(kills).toEqual([]);
    expect(owner.calls.at(-1)).toBe('failed XGI_CGI_LAUNCHER');
  });

  test('when it was aborted, or had closed its output: it still runs', () => {
    for (const before of ['abort', 'end'] as const) {
      const { run, owner } = make();
      run.started(PID, false);
      run[before]();
      run.orphaned('status 1');
      expect(kills.splice(0)).toEqual([[-PID, 'SIGKILL']]);
      expect(owner.calls.at(-1)).toBe('failed XGI_CGI_LAUNCHER');
    }
  });

  test('of another user: nobody is killed, nor looked for', () => {
    const { run, owner } = make({ mayKill: false });
    run.started(PID, false);
    expect(run.orphaned('status 1')).toEqual({ requestId: undefined, pid: PID });
    expect(kills).toEqual([]);
    expect(owner.failure?.code).toBe('XGI_CGI_LAUNCHER');
  });

  test('and whose group has gone meanwhile', () => {
    vi.spyOn(process, 'kill').mockImplementation(() => {
      throw Object.assign(new Error('kill ESRCH'), { code: 'ESRCH' });
    });
    const { run, owner } = make();
    run.started(PID, false);
    run.orphaned('status 1');
    expect(owner.calls).toEqual([`started ${PID}`, 'failed XGI_CGI_LAUNCHER']);
  });

  test('and has no request id', () => {
    const { run } = make({ environ: 'HTTP_A\0UNIQUE_ID' });
    expect(run.orphaned('status 1')).toEqual({ requestId: undefined, pid: undefined });
  });

  test('an owner who does not know it yet disturbs nobody', () => {
    const { run, owner } = make();
    run.started(PID, false);
    owner.on = (call) => {
      if (!call.startsWith('failed')) return;
      run.taken(MIN_CREDIT_BYTES);
      run.abort();
    };
    run.orphaned('status 1');
    expect(owner.calls).toEqual([`started ${PID}`, 'failed XGI_CGI_LAUNCHER']);
  });
});
