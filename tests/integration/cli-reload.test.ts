/** `--reload`: changes of the files that the application consists of. */
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hear, Project, sayingApp } from '../support/cli-project.js';
import { pollUntil } from '../support/poll.js';
import { run } from '../support/process.js';
import { inodeOf, untilWatched, watchedInodes } from '../support/watched.js';
import { killAllIn, startXgi, type XgiServer } from '../support/xgi.js';

/** `/` says the words of all modules; `/later` imports one more. */
const APP = `
import first
from package import second

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    words = [first.WORD, second.WORD]
    if environ["PATH_INFO"] == "/later":
        import later
        words.append(later.WORD)
    return [" ".join(words).encode()]
`;

let project: Project;
let server: XgiServer;

beforeEach(() => {
  project = new Project();
  mkdirSync(project.file('package'));
  project.write('package/__init__.py', '');
  say('first', 'one');
  say('package/second', 'two');
  say('later', 'three');
  project.write('app.py', APP);
});

afterEach(() => killAllIn(project.directory));

function say(module: string, word: string): void {
  project.write(`${module}.py`, `WORD = "${word}"\n`);
}

async function start(args: readonly string[] = [], target = 'app:app'): Promise<void> {
  const env = { PYTHONDONTWRITEBYTECODE: '1' };
  server = await startXgi([target, '-w', '1', '--reload', ...args], { cwd: project.directory, env });
}

async function untilHeard(text: string, url = server.origin): Promise<void> {
  await pollUntil(async () => (await hear(url)) === text, { what: `"${text}"`, deadlineMs: 20_000 });
}

/** So many reloads so far, well or not. */
function reloads(): number {
  return server.stderr.match(/\[INFO\] Changed: .*; reloading\n/g)?.length ?? 0;
}

describe('a change of', () => {
  beforeEach(async () => {
    await start();
    await untilHeard('one two');
    await untilWatched(server.pid, project.file('first.py'));
  });

  test('an imported module', async () => {
    say('first', 'uno');
    await untilHeard('uno two');
    expect(server.stderr).toContain('[INFO] Changed: first.py; reloading\n');
    await server.waitForOutput(/Reloaded in/);
  });

  test('a module in a package', async () => {
    say('package/second', 'due');
    await untilHeard('one due');
    expect(server.stderr).toContain('[INFO] Changed: package/second.py; reloading\n');
  });

  test('a module that was imported by a request', async () => {
    await untilHeard('one two three', server.url('/later'));
    await untilWatched(server.pid, project.file('later.py'));
    say('later', 'tre');
    await untilHeard('one two tre', server.url('/later'));
  });

  test('the same module again and again', async () => {
    for (const word of ['a', 'b', 'c', 'd']) {
      say('first', word);
      await untilHeard(`${word} two`);
    }
  });
});

describe('saving', () => {
  beforeEach(async () => {
    await start();
    await untilHeard('one two');
    await untilWatched(server.pid, project.file('first.py'));
  });

  test.each([
    ['by a rename over the old file', (file: string) => renameSync(`${file}.new`, file)],
    [
      'by a backup and a new file',
      (file: string) => {
        renameSync(file, `${file}~`);
        renameSync(`${file}.new`, file);
      },
    ],
  ])('%s, as editors do, several times', async (_name, replace) => {
    for (const word of ['a', 'b', 'c']) {
      project.write('first.py.new', `WORD = "${word}"\n`);
      replace(project.file('first.py'));
      await untilHeard(`${word} two`);
    }
  });

  test('several files at once is one reload', async () => {
    const before = server.workerPids.length;
    say('first', 'uno');
    say('package/second', 'due');
    project.write('package/__init__.py', '# changed\n');
    await untilHeard('uno due');
    await server.waitForOutput(/\[INFO\] Changed: \S+ and 2 more; reloading\n/);
    expect([reloads(), server.workerPids.length - before]).toEqual([1, 1]);
  });

  test('a file that goes, and comes back much later', async () => {
    for (const word of ['uno', 'un']) {
      rmSync(project.file('first.py'));
      await untilCount(/XGI_RELOAD_FAILED: the old code goes on serving/g, word === 'uno' ? 1 : 2);
      say('first', word);
      await untilHeard(`${word} two`);
    }
  });

  test('a folder that goes, and comes back much later', async () => {
    rmSync(project.file('package'), { recursive: true });
    await server.waitForOutput(/XGI_RELOAD_FAILED/);
    mkdirSync(project.file('package'));
    project.write('package/__init__.py', '');
    say('package/second', 'due');
    await untilHeard('one due');
    await untilWatched(server.pid, project.file('package/second.py'));
    say('package/second', 'deux');
    await untilHeard('one deux');
  });

  test('what cannot be loaded: the old code serves until it is mended', async () => {
    project.write('first.py', 'WORD = (\n');
    await server.waitForOutput(/\[ERROR\] XGI_RELOAD_FAILED: .*\n[^]*SyntaxError/);
    expect(await hear(server.origin)).toBe('one two');
    say('first', 'uno');
    await untilHeard('uno two');
  });

  test('what cannot be loaded, by a file that is new', async () => {
    project.write('first.py', 'from third import WORD\n');
    project.write('third.py', 'WORD = (\n');
    await server.waitForOutput(/\[ERROR\] XGI_RELOAD_FAILED: .*\n[^]*SyntaxError/);
    await untilWatched(server.pid, project.file('third.py'));
    say('third', 'three');
    await untilHeard('three two');
  });

  test('all the time does not put it off for ever, and ends with the last code', async () => {
    let isOver = false;
    const writes = (async () => {
      for (let count = 0; !isOver; count++) {
        say('first', `n${count}`);
        // A program that writes all the time.
        await delay(20);
      }
    })();
    await untilCount(/Reloaded in/g, 2);
    isOver = true;
    await writes;
    say('first', 'last');
    await untilHeard('last two');
    await untilQuiet();
    expect(reloads()).toBeLessThan(20);
  });
});

test('a file that is named', async () => {
  project.write('words.txt', 'one');
  project.write(
    'app.py',
    `WORD = open("words.txt").read()\n${sayingApp('x').replace('b"x"', 'WORD.encode()')}`,
  );
  await start(['--reload-extra-file', 'words.txt', '--reload-extra-file', 'none-yet.txt']);
  await untilHeard('one');
  await untilWatched(server.pid, project.file('words.txt'));
  project.write('words.txt', 'two');
  await untilHeard('two');
  const before = reloads();
  project.write('none-yet.txt', 'here');
  await pollUntil(() => reloads() > before, { what: 'a reload', deadlineMs: 20_000 });
});

describe('an application that is broken at the start', () => {
  test('is waited for; requests are answered with 503 meanwhile', async () => {
    project.write('first.py', 'WORD = (\n');
    await start();
    await server.waitForOutput(/\[ERROR\] XGI_APP_[^]*SyntaxError/);
    expect(await hear(server.origin)).toBe('503');
    await untilWatched(server.pid, project.file('first.py'));
    say('first', 'uno');
    await untilHeard('uno two');
    expect(server.child.exitCode).toBeNull();
    expect(server.stderr.match(/Traceback/g)?.length).toBe(1);
  });

  test('as a module of it is missing: comes when that does', async () => {
    rmSync(project.file('first.py'));
    await start();
    await server.waitForOutput(/\[ERROR\] XGI_APP_[^]*No module named 'first'/);
    expect(await hear(server.origin)).toBe('503');
    say('first', 'uno');
    await untilHeard('uno two');
  });

  test('as it is not there at all: comes when it does', async () => {
    await start([], 'shop:app');
    await server.waitForOutput(/\[ERROR\] XGI_APP_/);
    expect(await hear(server.origin)).toBe('503');
    project.write('shop.py', sayingApp('shop'));
    await untilHeard('shop');
  });
});

test('the standard library is not watched', async () => {
  project.write('app.py', `import json\n${APP}`);
  await start();
  await untilHeard('one two');
  await untilWatched(server.pid, project.file('first.py'));
  await untilWatched(server.pid, project.file('package/second.py'));
  const python = (await server.waitForOutput(/Using interpreter: (\S+) /))[1]!;
  const { stdout } = await run(python, ['-c', 'import json; print(json.__file__)']);
  expect(watchedInodes(server.pid)).not.toContain(inodeOf(stdout.trim()));
  expect(watchedInodes(server.pid).size).toBeLessThan(20);
});

test('with --preload', async () => {
  await start(['--preload']);
  await untilHeard('one two');
  await untilWatched(server.pid, project.file('first.py'));
  say('first', 'uno');
  await untilHeard('uno two');
});

test('with two gateways: what a request to either has imported', async () => {
  await start(['--gateways', '2', '-w', '2']);
  await untilHeard('one two');
  await untilHeard('one two three', server.url('/later'));
  await untilWatched(server.pid, project.file('later.py'));
  say('later', 'tre');
  await untilHeard('one two tre', server.url('/later'));
  await untilCount(/Reloaded in/g, 1);
  const all = Array.from({ length: 32 }, () => hear(server.url('/later')));
  expect(new Set(await Promise.all(all))).toEqual(new Set(['one two tre']));
});

async function untilCount(pattern: RegExp, count: number): Promise<void> {
  await pollUntil(() => (server.stderr.match(pattern)?.length ?? 0) >= count, {
    what: `${count} of ${String(pattern)}; output:\n${server.stderr}`,
    deadlineMs: 20_000,
  });
}

/** No reload has begun for ten times the time that changes are collected for. */
async function untilQuiet(): Promise<void> {
  for (let before = -1; before !== reloads();) {
    before = reloads();
    // The time is what is tested.
    await delay(1000);
  }
}
