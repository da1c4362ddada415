/** What every runner of programs has to do: one suite, for the launcher and for Node's own means. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { GatewayError } from '../../../src/errors.js';
import type { Run, Runner, RunOrder, RunOwner } from '../../../src/programs/runner.js';
import type { Log } from '../../../src/types.js';
import {
  PROTOCOL_VERSION,
  type Command,
  type LauncherSettings,
  type ProgramEnd,
} from '../../../src/wire/frames.js';
import { isAlive, pollUntil } from '../../support/poll.js';
import { makeTempDir, removeTempDir } from '../../support/temp-dir.js';

export const EMPTY = Buffer.alloc(0);

/** Of runners in tests; byte text. */
export const ENVIRON = { PATH: '/usr/bin:/bin', BASE: 'of all', BYTES: 'caf\u00c3\u00a9', OVERLAID: 'below' };
export const CREDIT = 262_144;
export const STDERR_BYTES = 65_536;
export const KILL_GRACE_MS = 300;

/** Of launchers. */
export const SETTINGS: LauncherSettings = {
  protocol: PROTOCOL_VERSION,
  environ: ENVIRON,
  credit: CREDIT,
  killGraceMs: KILL_GRACE_MS,
  stderrBytes: STDERR_BYTES,
  limits: { cpuSeconds: null, memoryBytes: null, files: null, processes: null },
  umask: null,
  user: null,
  preload: [],
};

export const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** Hears of one run, and takes its output at once, unless it is told not to. */
export class Owner implements RunOwner {
  readonly chunks: Buffer[] = [];
  readonly errors: Buffer[] = [];
  readonly calls: string[] = [];
  pid: number | undefined;
  warm: boolean | undefined;
  end: ProgramEnd | undefined;
  failure: GatewayError | undefined;
  takes = true;
  run: Run | undefined;
  #changed: () => void = () => {};

  output(chunk: Buffer): void {
    this.chunks.push(Buffer.from(chunk));
    if (this.takes) this.run!.taken(chunk.length);
    this.#note('output');
  }
  started(pid: number, warm: boolean): void {
    this.pid = pid;
    this.warm = warm;
    this.#note('started');
  }
  errorOutput(chunk: Buffer): void {
    this.errors.push(Buffer.from(chunk));
    this.#note('errorOutput');
  }
  outputEnded(): void {
    this.#note('outputEnded');
  }
  ended(end: ProgramEnd): void {
    this.end = end;
    this.#note('ended');
  }
  bodyWanted(): void {
    this.#note('bodyWanted');
  }
  bodyClosed(): void {
    this.#note('bodyClosed');
  }
  failed(error: GatewayError): void {
    this.failure = error;
    this.#note('failed');
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }
  get text(): string {
    return this.bytes.toString('latin1');
  }
  get errorText(): string {
    return Buffer.concat(this.errors).toString('latin1');
  }

  /** Resolves when all of these have been called. */
  async until(...names: readonly string[]): Promise<this> {
    await new Promise<void>((resolve) => {
      this.#changed = () => {
        if (names.every((name) => this.calls.includes(name))) resolve();
      };
      this.#changed();
    });
    return this;
  }

  over(): Promise<this> {
    return this.until('outputEnded', 'ended');
  }

  #note(call: string): void {
    if (this.calls.at(-1) !== call || call !== 'output') this.calls.push(call);
    this.#changed();
  }
}

export interface OrderOptions extends Partial<Omit<RunOrder, 'command'>> {
  readonly command?: Partial<Command>;
}

/** An order for a shell script. */
export function shell(
  script: string,
  { command = {}, environ = '', body = EMPTY, more = false }: OrderOptions = {},
): RunOrder {
  const argv = ['/bin/sh', '-c', script];
  return { command: { path: '/bin/sh', argv, cwd: '/', warm: null, ...command }, environ, body, more };
}

export function begin(runner: Runner, order: RunOrder, { takes = true } = {}): Owner {
  const owner = new Owner();
  owner.takes = takes;
  owner.run = runner.run(order, owner);
  expect(owner.calls, 'nothing is called before run has returned').toEqual([]);
  return owner;
}

/** Whether a descriptor of this process is passed on to programs that it executes. */
function isInheritable(fd: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))![1]!;
    return (Number.parseInt(flags, 8) & 0o2_000_000) === 0;
  } catch {
    return false;
  }
}

const environOf = (...entries: readonly (readonly [string, string])[]): string => entries.flat().join('\0');

export function describeRunner(name: string, make: () => Runner): void {
  describe(`${name}: what every runner does`, () => {
    let folder: string;
    let runner: Runner;

    beforeAll(async () => {
      folder = makeTempDir();
      runner = make();
      await runner.start();
    });

    afterAll(async () => {
      await runner.stop(0);
      removeTempDir(folder);
    });

    const run = (script: string, options: OrderOptions = {}): Promise<Owner> =>
      begin(runner, shell(script, options)).over();

    test('output, error output and status', async () => {
      const owner = await run('printf hello; echo oops >&2; exit 3');
      expect(owner.text).toBe('hello');
      expect(owner.errorText).toBe('oops\n');
      expect(owner.end).toEqual({ code: 3, signal: null, stderrDropped: 0 });
      expect(owner.calls[0]).toBe('started');
      expect(owner.warm).toBe(false);
      expect(owner.failure).toBeUndefined();
    });

    test('a signal', async () => {
      expect((await run('kill -TERM $$')).end).toEqual({ code: null, signal: 15, stderrDropped: 0 });
    });

    test('the environment: that of all, that of the request over it, and nothing else', async () => {
      const environ = environOf(['OVERLAID', 'above'], ['REQUEST', 'a=b'], ['EMPTY', ''], ['LINES', 'a\nb']);
      const owner = await run('', {
        environ,
        command: { path: '/usr/bin/env', argv: ['env', '-0'] },
      });
      const variables = owner.text.split('\0').slice(0, -1).toSorted();
      expect(variables).toEqual(
        [
          'BASE=of all',
          'BYTES=caf\u00c3\u00a9',
          'EMPTY=',
          'LINES=a\nb',
          'OVERLAID=above',
          'PATH=/usr/bin:/bin',
          'REQUEST=a=b',
        ].toSorted(),
      );
    });

    test('arguments are words, whatever is in them, and argv[0] is what it is', async () => {
      const argv = [
        'other',
        '-c',
        'printf "%s|" "$0" "$@"',
        'name',
        'a b',
        '$(id)',
        '',
        "'",
        'caf\u00c3\u00a9',
      ];
      const owner = await run('', { command: { path: '/bin/sh', argv } });
      expect(owner.text).toBe("name|a b|$(id)||'|caf\u00c3\u00a9|");
    });

    test('the working directory', async () => {
      expect((await run('pwd', { command: { cwd: folder } })).text).toBe(`${folder}\n`);
    });

    test('a process group of its own', async () => {
      const owner = await run('cut -d" " -f5 /proc/self/stat');
      expect(Number(owner.text)).toBe(owner.pid);
    });

    test('no descriptors but 0, 1 and 2', async () => {
      // ls has its folder open. What this process was born with, and others have left open for all, is not the runner's.
      const found = (await run('ls /proc/self/fd')).text.split('\n').slice(0, -1).map(Number);
      expect(found.filter((fd) => !isInheritable(fd) || fd < 3).toSorted((a, b) => a - b)).toEqual([
        0, 1, 2, 3,
      ]);
    });

    test('no signal is ignored or blocked', async () => {
      const { text } = await run('grep -E "^Sig(Blk|Ign)" /proc/self/status');
      // Signals 32 and 33 are the C library's own, whose posix_spawn ignores them.
      const masks = text.match(/[0-9a-f]{16}/g)!.map((mask) => BigInt(`0x${mask}`) & ~0x1_8000_0000n);
      expect(masks).toEqual([0n, 0n]);
    });

    test('a body', async () => {
      expect((await run('cat', { body: Buffer.from('a\0\xff', 'latin1') })).text).toBe('a\0\xff');
    });

    test('the largest body that is no file', async () => {
      const body = Buffer.alloc(65_536, 'x');
      expect((await run('cat', { body })).bytes.equals(body)).toBe(true);
    });

    test('no body is the end of the input', async () => {
      expect((await run('cat; readlink /proc/self/fd/0')).text).toBe('/dev/null\n');
    });

    test('a body in a file', async () => {
      const file = `${folder}/body`;
      writeFileSync(file, 'y'.repeat(100_000));
      expect((await run('wc -c', { command: { bodyFile: file } })).text.trim()).toBe('100000');
    });

    test('a program that does not read its body', async () => {
      const owner = await run('exec <&-; printf done', { body: Buffer.alloc(65_536) });
      expect(owner.text).toBe('done');
      expect(owner.end?.code).toBe(0);
    });

    test('a body that is still coming', async () => {
      const owner = begin(runner, shell('head -c 3; exec wc -c', { body: Buffer.from('abc'), more: true }));
      await owner.until('output');
      expect(owner.text).toBe('abc');
      const lent = Buffer.alloc(65_536, 'x');
      for (let i = 0; i < 20; i++) {
        const before = owner.calls.filter((call) => call === 'bodyWanted').length;
        if (owner.run!.feed(lent)) continue;
        await pollUntil(() => owner.calls.filter((call) => call === 'bodyWanted').length > before);
      }
      owner.run!.endBody();
      await owner.over();
      expect(owner.text.trim()).toBe(`abc${20 * 65_536}`);
    });

    test('a body that is still coming, and nobody reads', async () => {
      const owner = begin(
        runner,
        shell('exec <&-; sleep 0.2; printf done', { body: Buffer.alloc(65_536), more: true }),
      );
      while (!owner.calls.includes('bodyClosed')) {
        owner.run!.feed(Buffer.alloc(65_536));
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      expect(owner.run!.feed(Buffer.alloc(65_536))).toBe(true);
      owner.run!.endBody();
      await owner.over();
      expect([owner.text, owner.end?.code]).toEqual(['done', 0]);
    });

    test('a body that is still coming has no end for a program that is ended', async () => {
      const note = `${folder}/saw-the-end`;
      const owner = begin(
        runner,
        shell(`trap "" TERM; cat > /dev/null; touch ${note}`, { body: Buffer.alloc(10), more: true }),
      );
      await owner.until('started');
      owner.run!.abort();
      owner.run!.endBody();
      await owner.until('ended');
      expect(existsSync(note)).toBe(false);
    });

    test('output comes while the program runs', async () => {
      const fifo = `${folder}/go`;
      const owner = begin(runner, shell(`mkfifo ${fifo}; printf first; read x < ${fifo}; printf second`));
      await owner.until('output');
      expect(owner.text).toBe('first');
      writeFileSync(fifo, 'x\n');
      await owner.over();
      expect(owner.text).toBe('firstsecond');
    });

    test('what a descendant writes after the program has ended', async () => {
      const fifo = `${folder}/later`;
      const owner = begin(runner, shell(`mkfifo ${fifo}; (read x < ${fifo}; printf late) & exit 0`));
      await owner.until('ended');
      expect(owner.calls).not.toContain('outputEnded');
      writeFileSync(fifo, 'x\n');
      await owner.over();
      expect(owner.text).toBe('late');
    });

    test('a program that closes its output and goes on', async () => {
      const fifo = `${folder}/on`;
      const owner = begin(runner, shell(`mkfifo ${fifo}; printf x; exec >&-; read x < ${fifo}; exit 4`));
      await owner.until('outputEnded');
      expect(owner.end).toBeUndefined();
      writeFileSync(fifo, 'x\n');
      await owner.over();
      expect(owner.end?.code).toBe(4);
    });

    test('a program waits for those who do not take its output', async () => {
      const owner = begin(runner, shell('head -c 3000000 /dev/zero; echo written >&2'), { takes: false });
      await pollUntil(() => owner.bytes.length >= CREDIT);
      const held = owner.bytes.length;
      expect(held).toBeLessThanOrEqual(CREDIT + 65_536);
      expect(owner.errorText).toBe('');
      owner.takes = true;
      owner.run!.taken(held);
      await owner.over();
      expect(owner.bytes.length).toBe(3_000_000);
    });

    test('much output in both streams', async () => {
      const owner = await run('head -c 2000000 /dev/zero & head -c 60000 /dev/zero >&2; wait');
      expect(owner.bytes.length).toBe(2_000_000);
      expect(Buffer.concat(owner.errors).length).toBe(60_000);
    });

    test('endless error output is cut, and counted', async () => {
      const owner = await run('head -c 500000 /dev/zero >&2; printf done');
      expect(owner.text).toBe('done');
      const passed = Buffer.concat(owner.errors).length;
      expect(passed).toBeLessThanOrEqual(STDERR_BYTES + 4096);
      expect(passed + owner.end!.stderrDropped).toBe(500_000);
    });

    describe('abort', () => {
      test('ends the program and what it has started, and tells of its end', async () => {
        const owner = begin(runner, shell('sleep 60 & echo $!; wait'));
        await owner.until('output');
        owner.run!.abort();
        owner.run!.abort();
        await owner.until('ended');
        expect(owner.end).toMatchObject({ code: null, signal: 15 });
        await pollUntil(() => !isAlive(Number(owner.text)));
        expect(owner.calls).not.toContain('outputEnded');
      });

      test('kills what does not end by itself', async () => {
        const owner = begin(runner, shell('trap "" TERM; echo ready; while :; do sleep 1; done'));
        await owner.until('output');
        const startMs = performance.now();
        owner.run!.abort();
        await owner.until('ended');
        expect(owner.end).toMatchObject({ code: null, signal: 9 });
        expect(performance.now() - startMs).toBeGreaterThan(KILL_GRACE_MS - 50);
      });

      test('kills what the program leaves behind', async () => {
        const owner = begin(runner, shell(`(trap "" TERM; echo $$; exec sleep 60) & wait`));
        await owner.until('output');
        const child = readFileSync(`/proc/${owner.pid}/task/${owner.pid}/children`, 'utf8').trim();
        owner.run!.abort();
        await owner.until('ended');
        await pollUntil(() => !isAlive(Number(child)));
      });

      test('of one that has ended changes nothing', async () => {
        const owner = await run('printf x');
        const calls = [...owner.calls];
        owner.run!.abort();
        owner.run!.taken(1);
        await run('true');
        expect(owner.calls).toEqual(calls);
      });
    });

    describe('cannot be started:', () => {
      test.each<[string, () => Partial<Command>, number, string]>([
        ['nothing of that name', () => ({ path: `${folder}/nowhere` }), 500, 'XGI_CGI_BAD_INTERPRETER'],
        ['no folder to run in', () => ({ cwd: `${folder}/nowhere` }), 500, 'XGI_CGI_BAD_INTERPRETER'],
        ['not executable', () => ({ path: newFile('plain', '#!/bin/sh\n', 0o644) }), 500, 'XGI_CGI_NO_EXEC'],
        [
          'no interpreter',
          () => ({ path: newFile('no-interpreter', '#!/nowhere/sh\n', 0o755) }),
          500,
          'XGI_CGI_BAD_INTERPRETER',
        ],
        ['no body', () => ({ bodyFile: `${folder}/nowhere` }), 500, 'XGI_CGI_BAD_INTERPRETER'],
      ])('%s', async (_name, command, status, code) => {
        const owner = await begin(runner, shell('true', { command: command() })).until('failed');
        expect(owner.failure).toMatchObject({ status, code });
        await run('true');
        expect(owner.calls, 'nothing follows').toEqual(['failed']);
      });

      test('an environment that is too large', async () => {
        const environ = environOf(['A', 'x'.repeat(400_000)]);
        const owner = await begin(runner, shell('true', { environ })).until('failed');
        expect(owner.failure).toMatchObject({ status: 500, code: 'XGI_CGI_START' });
        expect(owner.failure!.message).toContain('E2BIG');
      });

      function newFile(file: string, content: string, mode: number): string {
        const path = `${folder}/${file}`;
        writeFileSync(path, content);
        chmodSync(path, mode);
        return path;
      }
    });

    test('many at once', async () => {
      const owners = Array.from({ length: 50 }, (_, i) => begin(runner, shell(`printf ${i}; exit ${i}`)));
      await Promise.all(owners.map((owner) => owner.over()));
      expect(owners.map(({ text, end }) => [Number(text), end!.code])).toEqual(owners.map((_, i) => [i, i]));
    });

    test('stop waits for the programs that run, and ends those that take longer', async () => {
      const other = make();
      await other.start();
      const file = `${folder}/finished`;
      const quick = begin(other, shell(`sleep 0.3; touch ${file}`));
      const slow = begin(other, shell('sleep 60'));
      await Promise.all([quick.until('started'), slow.until('started')]);
      await other.stop(3000);
      expect(existsSync(file)).toBe(true);
      expect(quick.end).toMatchObject({ code: 0 });
      expect(isAlive(slow.pid!)).toBe(false);
    });
  });
}
