/** `--cgi-timeout` and `--cgi-idle-timeout`, before the head and after it. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { allGone, CgiSite } from '../support/cgi-site.js';
import { WsgiClient } from '../support/wsgi-client.js';

let site: CgiSite;

beforeEach(() => {
  site = new CgiSite();
});
afterEach(() => site.destroy());

/** Everything is over: no program, and the place is free again. */
async function expectOver(count = 1): Promise<void> {
  await allGone(await site.pids(count));
  await site.untilNoProgram();
  expect((await site.get('/hello.sh')).status).toBe(200);
  await site.untilIdle();
  expect((await site.status()).gateways[0]!.totals.timeouts).toBe(1);
}

test.each(['hangs.sh', 'hangs.py'])('%s, idle before its head: 504', async (name) => {
  await site.start(['--cgi-idle-timeout', '300ms']);
  const beganMs = performance.now();
  expect((await site.get(`/${name}`)).status).toBe(504);
  const tookMs = performance.now() - beganMs;
  expect(tookMs).toBeGreaterThan(290);
  expect(tookMs).toBeLessThan(10_000);
  await site.logged(/\[ERROR\] XGI_CGI_TIMEOUT: \S+ has written nothing for 0\.3 s \(--cgi-idle-timeout\)/);
  await expectOver();
});

test('idle after its head: the answer is cut off, never completed', async () => {
  await site.start(['--cgi-idle-timeout', '1s']);
  const answer = await site.get('/head-then-hangs.sh');
  expect([answer.status, answer.body.toString(), answer.complete]).toEqual([200, 'the beginning\n', false]);
  await site.logged(/\[ERROR\] XGI_CGI_TIMEOUT: \S+head-then-hangs\.sh has written nothing for 1 s/);
  await expectOver();
});

test('the whole run before the head: 504, however much it complains meanwhile', async () => {
  site.program(
    'busy.sh',
    '#!/bin/sh\necho $$ >> ../notes/pids\nwhile :; do echo still here >&2; sleep 0.05; done\n',
  );
  await site.start(['--cgi-timeout', '2s', '--cgi-idle-timeout', '1s']);
  expect((await site.get('/busy.sh')).status).toBe(504);
  await site.logged(/XGI_CGI_TIMEOUT: \S+busy\.sh has not ended after 2 s \(--cgi-timeout\)/);
  await expectOver();
});

test('the whole run after the head: the answer is cut off, though it is never idle', async () => {
  await site.start(['--cgi-timeout', '2s', '--cgi-idle-timeout', '1s']);
  const beganMs = performance.now();
  const answer = await site.get('/writes-slowly.sh');
  expect(performance.now() - beganMs).toBeGreaterThan(1990);
  expect([answer.status, answer.complete]).toEqual([200, false]);
  expect(answer.body.toString().split('\n').length).toBeGreaterThan(4);
  await site.logged(/XGI_CGI_TIMEOUT: \S+writes-slowly\.sh has not ended after 2 s/);
  await expectOver();
});

test('an answer that is complete is not spoiled by a program that goes on: it is only ended', async () => {
  await site.start(['--cgi-timeout', '2s']);
  const answer = await site.get('/closes-output.sh');
  expect([answer.status, answer.body.toString(), answer.complete]).toEqual([200, 'all of it\n', true]);
  await site.logged(/\[WARNING\] .*XGI_CGI_TIMEOUT: \S+closes-output\.sh has not ended after 2 s/);
  await expectOver();
  expect(site.notes('closes-output')).toEqual([]);
});

test('writing little by little is not idle', async () => {
  await site.start(['--cgi-idle-timeout', '1s']);
  site.program(
    'slow.sh',
    '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\n"\nfor i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.25; done\n',
  );
  const answer = await site.get('/slow.sh');
  expect([answer.complete, answer.body.toString()]).toEqual([true, '1\n2\n3\n4\n5\n6\n7\n8\n']);
});

test('waiting for a place does not count', async () => {
  await site.start(['--cgi-concurrency', '1', '--cgi-timeout', '1500ms']);
  const first = site.get('/hangs.sh');
  await site.pids(1);
  const second = site.get('/hello.sh');
  expect((await first).status).toBe(504);
  expect((await second).status).toBe(200);
});

test('0 is no limit', async () => {
  await site.start(['--cgi-timeout', '0', '--cgi-idle-timeout', '0']);
  const answer = site.get('/hold.sh?a');
  // Longer than a sweep of the deadlines, which might take 0 for one: the time is what is tested.
  await new Promise((resolve) => setTimeout(resolve, 700));
  site.letGo('a');
  expect((await answer).body.toString()).toBe('a went on\n');
});

test.each([
  ['without a head', 'exec >&-\n'],
  [
    'with less than it has promised',
    'printf "Content-Type: text/plain\\nContent-Length: 99\\n\\nshort"; exec >&-\n',
  ],
])('a program that closes its output %s is ended at once: nobody waits for it', async (_, output) => {
  site.program('closes.sh', `#!/bin/sh\necho $$ >> ../notes/pids\n${output}exec sleep 300\n`);
  await site.start();
  await site.get('/closes.sh');
  await allGone(await site.pids(1));
  await site.untilIdle();
});

// 15 seconds are what is tested: fixed, because it is no setting.
test('a client that has ended its input and is written nothing: gone after 15 s, in HTTP/1.0 or in the middle of an answer', async () => {
  site.program('silent.sh', '#!/bin/sh\necho $$ >> ../notes/pids\nexec sleep 300\n');
  site.program(
    'begins.sh',
    '#!/bin/sh\necho $$ >> ../notes/pids\nprintf "Content-Type: text/plain\\n\\nfirst\\n"\nexec sleep 300\n',
  );
  await site.start();
  const beganMs = performance.now();
  for (const line of ['GET /silent.sh HTTP/1.0', 'GET /begins.sh HTTP/1.1']) {
    const client = new WsgiClient(site.port);
    client.send(`${line}\r\nHost: a\r\n\r\n`);
    client.socket.end();
  }
  const pids = await site.pids(2);
  await allGone(pids, 25_000);
  expect(performance.now() - beganMs).toBeGreaterThan(14_000);
  await site.untilIdle();
});
