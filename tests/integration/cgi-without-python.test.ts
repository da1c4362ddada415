/** Where there is no Python: programs are run by Node, and what cannot be had then is refused, not left out. */
import { symlinkSync, mkdirSync, writeFileSync, chmodSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allGone, CgiSite, descriptorsOf } from '../support/cgi-site.js';
import { pollUntil } from '../support/poll.js';

/** ä, as its bytes. */
const UTF8 = '\u00c3\u00a4';

describe('with a PATH on which there is only node', () => {
  const site = new CgiSite();

  beforeAll(() =>
    site.startWithoutPython([
      '--cgi-concurrency',
      '3',
      '--cgi-idle-timeout',
      '3s',
      '-e',
      'GIVEN=yes',
      '--cgi-index-query',
      'arguments.sh',
      '--umask',
      '027',
    ]),
  );
  afterAll(() => site.destroy());

  test('it is said at the start, with what differs', () => {
    expect(site.log).toMatch(
      /\[WARNING\] XGI_CGI_NO_PYTHON: there is no python3 on PATH: programs are started by Node itself/,
    );
    expect(site.log).not.toContain('Using interpreter');
  });

  test('a shell script, a Python script (of the programs’ own PATH), and one that fails', async () => {
    expect((await site.get('/hello.sh')).body.toString()).toBe('hello from sh\n');
    expect((await site.get('/hello.py')).body.toString()).toBe('hello from python\n');
    site.write('outputs/words', 'the reason\n');
    expect((await site.get('/complains.sh/words?3')).status).toBe(502);
    expect(await site.logged(/XGI_CGI_EXIT: .*\n.*\n/)).toContain('    the reason\n');
  });

  test('environment, working directory, arguments, process group', async () => {
    const report = await site.report('/report.py/info?a=b', { headers: [`X-A: ${UTF8}`] });
    expect(report.env).toMatchObject({
      GIVEN: 'yes',
      PATH_INFO: '/info',
      QUERY_STRING: 'a=b',
      HTTP_X_A: UTF8,
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    });
    expect(report.cwd).toBe(site.programs);
    expect(report.group).toBe(report.pid);
    expect(report.umask).toBe(0o27);
    expect((await site.get('/arguments.sh?a+%c3%a4')).body.toString('latin1')).toBe(`[a]\n[${UTF8}]\n`);
    // Node passes text on, and bytes that are none cannot be told: the program is run all the same.
    expect((await site.get('/arguments.sh?a+%ff')).body.toString()).toMatch(/^\[a\]\n\[/);
  });

  test('places, a queue, and the deadline', async () => {
    const held = ['a', 'b', 'c', 'd'].map((name) => site.get(`/hold.sh?${name}`));
    await pollUntil(async () => (await site.status()).gateways[0]!.queue.waiting === 1);
    expect(site.notes('runs').length).toBeLessThanOrEqual(3);
    for (const name of ['a', 'b', 'c', 'd']) site.letGo(name);
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect((await site.get('/hangs.sh')).status).toBe(504);
    await allGone(await site.pids(1));
  });

  test('cat /dev/stdin works; that /dev/stdout cannot be opened is the difference that is documented', async () => {
    site.program('opens-input.sh', '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\n"\nwc -c < /dev/fd/0\n');
    expect(
      (await site.get('/opens-input.sh', { method: 'POST', body: 'x'.repeat(100_000) })).body
        .toString()
        .trim(),
    ).toBe('100000');
  });

  test('200 requests of all kinds leave no process, descriptor or file', async () => {
    await site.untilIdle();
    const before = descriptorsOf(site.server.pid);
    site.program('no-start', '#!/no/such\n');
    for (let round = 0; round < 20; round++) {
      const clients = [site.open('/hangs.sh'), site.open('/writes-slowly.sh')];
      await Promise.all([
        ...[
          '/hello.sh',
          '/hello.py',
          '/missing',
          '/no-start',
          '/kills-itself.sh?TERM',
          '/redirects.sh?/hello.sh',
        ].map((target) => site.get(target)),
        ...[1000, 100_000].map((size) =>
          site.get('/echoes-body.py', { method: 'POST', body: Buffer.alloc(size) }),
        ),
      ]);
      for (const client of clients) client.reset();
    }
    await site.untilIdle();
    await site.untilNoProgram();
    await site.untilNothingSpooled();
    await pollUntil(() => descriptorsOf(site.server.pid) <= before, { what: 'the end of the descriptors' });
    expect((await site.get('/hello.sh')).status).toBe(200);
  });

  test('SIGTERM ends it, and what runs', async () => {
    void site.get('/hangs.sh').catch(() => {});
    const pids = await site.pids(2);
    expect((await site.server.stop('SIGINT')).code).toBe(0);
    await allGone(pids);
  });
});

describe('what only the launcher can do is refused', () => {
  test.each([
    [['--cgi-limit-cpu', '1'], '--cgi-limit-'],
    [['--cgi-limit-memory', '1gb'], '--cgi-limit-'],
    [['--cgi-limit-files', '100'], '--cgi-limit-'],
    [['--cgi-limit-processes', '100'], '--cgi-limit-'],
    [['--cgi-user', 'nobody'], '--cgi-user'],
  ])('%j', async (flags, name) => {
    const site = new CgiSite();
    try {
      const bin = site.file('node-only');
      mkdirSync(bin);
      symlinkSync(process.execPath, `${bin}/node`);
      const server = site.spawn(flags, { env: { PATH: bin } });
      expect((await server.exited).code).toBe(2);
      expect(server.stderr).toContain(`XGI_CONFIG_PYTHON: ${name}`);
      expect(server.stderr).toMatch(
        /needs a Python 3\.8 or later, and there is no python3 on PATH; install one, or name it with --python/,
      );
    } finally {
      await site.destroy();
    }
  });

  test('a python3 that is none, or too old, is an error and no reason to do without', async () => {
    const site = new CgiSite();
    try {
      const bin = site.file('old');
      mkdirSync(bin);
      symlinkSync(process.execPath, `${bin}/node`);
      writeFileSync(`${bin}/python3`, '#!/bin/sh\nprintf "xgi-python 3.5.2"\n');
      chmodSync(`${bin}/python3`, 0o755);
      const server = site.spawn([], { env: { PATH: bin } });
      expect((await server.exited).code).toBe(2);
      expect(server.stderr).toMatch(/XGI_CONFIG_PYTHON: .*3\.5\.2/);
    } finally {
      await site.destroy();
    }
  });
});
