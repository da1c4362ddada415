import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { ABSENT_FLAGS, findAbsentFlag } from '../../../src/cli/absent-flags.js';
import { parseCommandLine } from '../../../src/cli/command-line.js';
import { createProgram } from '../../../src/cli/program.js';
import { repository } from '../../support/paths.js';

const names = ABSENT_FLAGS.flatMap((flag) => flag.names);

test.each(['-k', '-kgevent', '--worker-connections', '--worker-connections=9', '--ciphers=a=b'])(
  '%s is found',
  (word) => {
    expect(word.startsWith(findAbsentFlag(word)!.name)).toBe(true);
  },
);

test.each(['-x', '--workers', '--max-request', '--'])('%s is not', (word) => {
  expect(findAbsentFlag(word)).toBeUndefined();
});

test('no flag is listed twice, and none that there is', () => {
  expect(new Set(names).size).toBe(names.length);
  const present = createProgram('1.2.3').options.flatMap(({ short, long }) => [short, long]);
  expect(names.filter((name) => present.includes(name))).toEqual([]);
});

describe('the error names the flag and says what to do', () => {
  test.each(names)('%s', (name) => {
    const { instead } = findAbsentFlag(name)!;
    expect(() => parseCommandLine([name, 'x', 'app:app', '-w', '2'], {}, '1.2.3')).toThrow(
      `${name}: xgi does not have this flag of gunicorn: ${instead}`,
    );
  });

  test('and XGI_CMD_ARGS, if it stands there', () => {
    expect(() => parseCommandLine(['app:app'], { XGI_CMD_ARGS: '--reuse-port' }, '1.2.3')).toThrow(
      '--reuse-port (in XGI_CMD_ARGS): xgi does not have',
    );
  });
});

test('the reference has the same table', () => {
  const reference = readFileSync(path.join(repository, 'docs/reference/cli.md'), 'utf8');
  const rows = ABSENT_FLAGS.map(
    (flag) => `| ${flag.names.map((name) => `\`${name}\``).join(', ')} | ${flag.instead} |\n`,
  );
  expect(reference).toContain(rows.join(''));
});
