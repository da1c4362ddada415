import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { findNearCommand } from '../../../src/cli/near-command.js';
import { makeTempDir } from '../../support/temp-dir.js';

test.each([
  ['stauts', 'did you mean xgi status?'],
  ['Status', 'did you mean xgi status?'],
  ['relaod', 'did you mean xgi reload?'],
  ['stp', 'did you mean xgi stop?'],
  ['scaling', undefined],
  ['scal', 'did you mean xgi scale?'],
  ['restart', 'did you mean xgi reload?'],
  ['quit', 'did you mean xgi stop?'],
  ['start', 'a server is started with xgi TARGET, for example xgi wsgi:app.'],
  ['app', undefined],
  ['mysite', undefined],
  ['stop:app', undefined],
  ['stop.py', undefined],
  ['./stop', undefined],
  ['s'.repeat(1_000_000), undefined],
])('%.20s', (word, advice) => {
  const folder = makeTempDir();
  expect(findNearCommand(word, [folder])).toBe(
    advice === undefined
      ? undefined
      : `there is no command "${word}", and no module of that name in ${folder}; ${advice} One that is installed elsewhere is served with xgi wsgi ${word}`,
  );
});

describe('a module of that name is served', () => {
  test('a file', () => {
    const folder = makeTempDir();
    writeFileSync(path.join(folder, 'shop.py'), '');
    expect(findNearCommand('shop', [folder])).toBeUndefined();
  });

  test('a folder, on the search path', () => {
    const folder = makeTempDir();
    mkdirSync(path.join(folder, 'shop'));
    expect(findNearCommand('shop', [makeTempDir(), folder])).toBeUndefined();
  });
});
