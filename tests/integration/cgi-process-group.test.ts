/** The end of a program is the end of all that it has started: on a timeout, and when its client has gone. SIGTERM first, SIGKILL for who does not heed it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { allGone, CgiSite } from '../support/cgi-site.js';
import { pollUntil } from '../support/poll.js';
import type { WsgiClient } from '../support/wsgi-client.js';
import { isRunning } from '../support/xgi.js';

let site: CgiSite;

beforeEach(() => {
  site = new CgiSite();
});
afterEach(() => site.destroy());

const ENDS: readonly (readonly [name: string, (client: WsgiClient) => void])[] = [
  ['a reset', (client) => client.reset()],
  ['an ordinary close', (client) => client.close()],
];

describe.each([
  ['with the launcher', false],
  ['without Python', true],
])('%s', (_name, fallback) => {
  const start = (flags: readonly string[] = []): Promise<CgiSite> =>
    fallback ? site.startWithoutPython(flags) : site.start(flags);

  describe('on a timeout', () => {
    test.each([
      ['notes-term.sh', 2, ['term']],
      ['starts-a-family.sh', 3, []],
    ])('%s ends by SIGTERM', async (name, count, signals) => {
      await start(['--cgi-idle-timeout', '1s']);
      const answer = site.get(`/${name}`);
      const pids = await site.pids(count);
      expect((await answer).status).toBe(504);
      const answeredMs = performance.now();
      await allGone(pids);
      // Nobody has waited for SIGKILL, which comes after two seconds.
      expect(performance.now() - answeredMs).toBeLessThan(1800);
      expect(site.notes('signals')).toEqual(signals);
    });

    test('ignores-term.sh, which does not heed SIGTERM, ends by SIGKILL, with its child', async () => {
      await start(['--cgi-idle-timeout', '1s']);
      const askedMs = performance.now();
      const answer = site.get('/ignores-term.sh');
      const pids = await site.pids(2);
      expect((await answer).status).toBe(504);
      await pollUntil(() => site.notes('signals').length > 0, { what: 'SIGTERM' });
      expect(pids.every(isRunning)).toBe(true);
      await allGone(pids);
      // One second until SIGTERM, and two until SIGKILL.
      expect(performance.now() - askedMs).toBeGreaterThan(2900);
      expect(site.notes('signals')).toEqual(['term']);
      expect((await site.get('/hello.sh')).status).toBe(200);
    });

    test('a child that a program has left behind, with its output, ends too', async () => {
      await start(['--cgi-idle-timeout', '1s']);
      const answer = await site.get('/leaves-a-child.sh');
      // The output never ended: it is cut off.
      expect([answer.status, answer.body.toString(), answer.complete]).toEqual([
        200,
        'the parent is done\n',
        false,
      ]);
      await allGone(await site.pids(1));
      await site.untilNoProgram();
    });
  });

  describe.each(ENDS)('when the client goes, by %s', (_way, leave) => {
    test.each([
      ['hangs.py', 1],
      ['starts-a-family.sh', 3],
    ])('before the head of %s', async (name, count) => {
      await start();
      const client = site.open(`/${name}`);
      const pids = await site.pids(count);
      leave(client);
      await allGone(pids);
      await site.untilIdle();
      expect(site.log).not.toMatch(/\[(WARNING|ERROR)\] (?!XGI_CGI_NO_PYTHON)/);
    });

    test('in the middle of an answer that goes on', async () => {
      await start();
      const client = site.open('/writes-slowly.sh');
      await client.until((text) => text.includes('line\r\n') || text.includes('line\n'));
      const pids = await site.pids(1);
      leave(client);
      await allGone(pids);
      await site.untilIdle();
    });
  });
});

test('a client that resets in the middle of its body: no program is started for it', async () => {
  await site.start();
  const client = site.open('/hello.sh');
  await client.answer();
  client.send('POST /hold.sh?body HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nsome of it');
  client.reset();
  const long = site.open('/hello.sh');
  await long.answer();
  long.send(
    `POST /hold.sh?long HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(200_000)}`,
  );
  await pollUntil(() => site.spooled().length === 1, { what: 'the body in a file' });
  long.reset();
  await pollUntil(() => site.spooled().length === 0, { what: 'the end of that file' });
  expect((await site.get('/hello.sh')).status).toBe(200);
  expect(site.notes('runs')).toEqual([]);
});

test('one client that goes does not touch the program of another, on the same launcher', async () => {
  await site.start();
  const stays = site.get('/hold.sh?stays');
  await pollUntil(() => site.notes('runs').length === 1);
  const client = site.open('/hangs.sh');
  const pids = await site.pids(1);
  client.reset();
  await allGone(pids);
  site.letGo('stays');
  expect((await stays).body.toString()).toBe('stays went on\n');
});
