import { mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SourceWatch } from '../../../src/service/source-watch.js';
import { pollUntil } from '../../support/poll.js';
import { makeTempDir } from '../../support/temp-dir.js';
import { FakeLog } from './steered.js';

let directory: string;
let log: FakeLog;
let changes: number;
let watch: SourceWatch;

beforeEach(() => {
  directory = makeTempDir();
  log = new FakeLog();
  changes = 0;
  for (const name of ['a.py', 'b.py', 'extra.txt']) write(name, 'old');
  watch = new SourceWatch({ extraFiles: [file('extra.txt')], log, onChange: () => changes++ });
});

afterEach(async () => {
  await watch.close();
});

function file(name: string): string {
  return path.join(directory, name);
}

function write(name: string, text: string): void {
  writeFileSync(file(name), text);
}

async function untilChanges(count: number): Promise<void> {
  await pollUntil(() => changes >= count, { what: `change ${count}; ${log.lines.join('\n')}` });
}

/** Changes it until that is seen: no event tells that a watch has begun. Then waits for silence. */
async function untilWatched(name: string): Promise<void> {
  const before = changes;
  await pollUntil(
    () => {
      const now = new Date();
      utimesSync(file(name), now, now);
      return changes > before;
    },
    { what: `a watch of ${name}`, everyMs: 150 },
  );
  await untilQuiet();
}

async function untilQuiet(): Promise<void> {
  for (let before = -1; before !== changes; await delay(400)) before = changes;
}

test('a file that is added is watched, others are not', async () => {
  watch.add([file('a.py')]);
  await untilWatched('a.py');
  const before = changes;
  write('b.py', 'new');
  await untilQuiet();
  expect(changes).toBe(before);
  write('a.py', 'new');
  await untilChanges(before + 1);
  expect(log.lines.at(-1)).toMatch(/^info: Changed: .*a\.py; reloading$/);
});

test('an extra file', () => untilWatched('extra.txt'));

test('several at once are one change', async () => {
  watch.add([file('a.py'), file('b.py')]);
  watch.add([file('a.py')]);
  for (const name of ['a.py', 'b.py', 'extra.txt']) await untilWatched(name);
  const before = changes;
  for (const name of ['a.py', 'b.py', 'extra.txt']) write(name, 'new');
  await untilQuiet();
  expect(changes).toBe(before + 1);
  expect(log.lines.at(-1)).toMatch(/^info: Changed: .* and 2 more; reloading$/);
});

test('a file that is changed all the time', async () => {
  watch.add([file('a.py')]);
  await untilWatched('a.py');
  const before = changes;
  const endMs = performance.now() + 15_000;
  // Faster than the silence that is waited for.
  for (let count = 0; changes < before + 2 && performance.now() < endMs; count++) {
    write('a.py', String(count));
    await delay(30);
  }
  expect(changes).toBeGreaterThanOrEqual(before + 2);
});

test('a file that goes, with its folder, and comes back', async () => {
  mkdirSync(file('package'));
  write('package/c.py', 'old');
  watch.add([file('package/c.py')]);
  await untilWatched('package/c.py');
  for (let round = 0; round < 2; round++) {
    let before = changes;
    rmSync(file('package'), { recursive: true });
    await untilChanges(before + 1);
    await untilQuiet();
    before = changes;
    mkdirSync(file('package'));
    write('package/c.py', 'new');
    await untilChanges(before + 1);
    await untilWatched('package/c.py');
  }
});

test('a file that is replaced by a rename, again and again', async () => {
  watch.add([file('a.py')]);
  await untilWatched('a.py');
  for (let round = 0; round < 3; round++) {
    const before = changes;
    write('a.py.tmp', `new ${round}`);
    renameSync(file('a.py.tmp'), file('a.py'));
    await untilChanges(before + 1);
    await untilQuiet();
  }
});

test('nothing is told after the end', async () => {
  watch.add([file('a.py')]);
  await untilWatched('a.py');
  write('a.py', 'new');
  rmSync(file('extra.txt'));
  await watch.close();
  const before = changes;
  write('extra.txt', 'back');
  await delay(600);
  expect(changes).toBe(before);
});
