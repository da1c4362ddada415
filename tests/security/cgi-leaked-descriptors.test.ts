/**
 * Leaked descriptors. A program inherits a descriptor of the gateway: the listening socket (and takes over the port), another client's
 * connection, another request's body, the channel of the launcher (and has programs run as it likes).
 */
import { readdirSync, readlinkSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CgiSite, SYSTEM_PYTHON, type ProgramReport } from '../support/cgi-site.js';
import { pollUntil } from '../support/poll.js';

describe.each([
  ['cold', ['--no-cgi-warm']],
  ['warm', []],
])('%s', (_name, flags) => {
  const site = new CgiSite();

  beforeAll(async () => {
    await site.start([...flags, '--python', SYSTEM_PYTHON, '--access-logfile', site.file('access.log')]);
    if (flags.length === 0) await site.untilWarm();
  });
  afterAll(() => site.destroy());

  function expectOwn({ fds }: ProgramReport, input = /^\/dev\/null$/): void {
    expect(Object.keys(fds)).toEqual(['0', '1', '2']);
    expect(fds['0']).toMatch(input);
    expect(fds['1']).toMatch(/^pipe:/);
    expect(fds['2']).toMatch(/^pipe:/);
    expect(fds['1']).not.toBe(fds['2']);
  }

  test('a program has its standard streams and nothing else', async () => {
    expectOwn(await site.report());
  });

  test('with a body in memory, and one in a file', async () => {
    expectOwn(await site.report('/report.py', { method: 'POST', body: 'x' }), /^pipe:/);
    expectOwn(await site.report('/report.py', { method: 'POST', body: Buffer.alloc(200_000) }), /\/body-/);
  });

  test('20 at once, with bodies of all kinds and clients that wait: none has a pipe of another', async () => {
    const waiting = Array.from({ length: 5 }, (_, i) => site.get(`/hold.sh?wait-${i}`));
    await pollUntil(() => site.notes('runs').length === 5);
    const bodies = ['', 'x', 'x'.repeat(60_000), 'x'.repeat(200_000)];
    const reports = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        site.report('/report.py', i % 4 === 0 ? {} : { method: 'POST', body: bodies[i % 4]! }),
      ),
    );
    for (const report of reports) expectOwn(report, /./);
    for (let i = 0; i < 5; i++) site.letGo(`wait-${i}`);
    await Promise.all(waiting);
    // Pipes are new for each run: a number seen twice at the same time would be shared.
    const pipes = reports.flatMap(({ fds }) => [fds['1'], fds['2']]);
    expect(new Set(reports.map(({ pid }) => pid)).size).toBe(20);
    expect(pipes.every((pipe) => pipe!.startsWith('pipe:'))).toBe(true);
  });

  test('a shell script, and what it starts', async () => {
    expect((await site.get('/descriptors.sh')).body.toString()).toBe('0,1,2\n');
  });
});

test('a launcher that has been given more than its channel gives none of it to programs', async () => {
  const site = new CgiSite();
  try {
    // An interpreter that is started with descriptors open: as those of a systemd unit, or of a shell with `exec 9<file`.
    const wrapper = site.write(
      'python-with-more',
      `#!/bin/sh\nexec ${SYSTEM_PYTHON} "$@" 7</etc/passwd 8</etc/passwd 9</etc/passwd\n`,
      0o755,
    );
    await site.start(['--python', wrapper]);
    expect(Object.keys((await site.report()).fds)).toEqual(['0', '1', '2']);
  } finally {
    await site.destroy();
  }
});

test('nor does the gateway, without Python', async () => {
  const site = new CgiSite();
  try {
    await site.startWithoutPython();
    const reports = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        site.report('/report.py', { method: 'POST', body: 'x'.repeat(i % 2 === 0 ? 10 : 200_000) }),
      ),
    );
    // What this process was born with goes on to xgi, and Node passes on what has a high number: docs/guide/cgi.md.
    const strangers = new Set(readdirSync('/proc/self/fd').map(linkOf));
    for (const { fds } of reports) {
      const own = Object.entries(fds).filter(([number, link]) => Number(number) <= 2 || !strangers.has(link));
      expect(
        own.map(([number]) => number),
        JSON.stringify(fds),
      ).toEqual(['0', '1', '2']);
    }
  } finally {
    await site.destroy();
  }
});

function linkOf(number: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${number}`);
  } catch {
    // The descriptor of the listing.
    return '';
  }
}
