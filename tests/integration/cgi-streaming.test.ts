/** Output is sent as it is written; and what becomes of a connection around a program: keep-alive, half-closed clients, HEAD. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allGone, CgiSite } from '../support/cgi-site.js';
import { pollUntil } from '../support/poll.js';
import { WsgiClient } from '../support/wsgi-client.js';

describe.each([
  ['with the launcher', false],
  ['without Python', true],
])('%s', (_name, fallback) => {
  const site = new CgiSite();

  beforeAll(() => (fallback ? site.startWithoutPython() : site.start()));
  afterAll(() => site.destroy());

  test('the first line arrives while the program still runs', async () => {
    const client = site.open('/line-by-line.sh');
    const text = await client.until((received) => received.includes('first\n'));
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(text).not.toContain('second');
    expect(await site.running()).toMatchObject([{ path: '/line-by-line.sh' }]);
    site.letGo('go');
    const answer = await client.answer();
    expect([answer.complete, answer.body.toString()]).toEqual([true, 'first\nsecond\n']);
    client.close();
  });

  test('the head arrives before there is a body', async () => {
    site.program(
      'head-first.sh',
      '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\n"\nwhile ! [ -e ../notes/on ]; do sleep 0.01; done\necho body\n',
    );
    const client = site.open('/head-first.sh');
    await client.until((text) => text.includes('\r\n\r\n'));
    site.letGo('on');
    expect((await client.answer()).body.toString()).toBe('body\n');
    client.close();
  });

  test('the connection is kept after an answer, and after an error, and serves the next request', async () => {
    const client = new WsgiClient(site.port);
    site.output('nothing', '');
    for (const [target, status] of [
      ['/hello.sh', 200],
      ['/missing', 404],
      ['/hello.py', 200],
      ['/prints.sh/nothing', 502],
      ['/hello.sh', 200],
    ] as const) {
      client.send(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
      expect([target, (await client.answer()).status]).toEqual([target, status]);
    }
    expect(client.over).toBe(false);
    client.close();
  });

  test('requests that are sent ahead are answered in their order', async () => {
    const client = new WsgiClient(site.port);
    client.send(
      'GET /hello.sh HTTP/1.1\r\nHost: a\r\n\r\nPOST /echoes-body.py HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbodyGET /hello.py HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    );
    expect((await client.answer()).body.toString()).toBe('hello from sh\n');
    expect((await client.answer()).body.toString()).toContain('"start": "body"');
    expect((await client.answer()).body.toString()).toBe('hello from python\n');
    client.close();
  });

  test('a client that half-closes after its request has its whole answer', async () => {
    for (const target of ['/hello.sh', '/hold.sh?half']) {
      const client = new WsgiClient(site.port);
      client.socket.end(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
      if (target.includes('half')) {
        await pollUntil(() => site.notes('runs').length === 1);
        // More than one question whether it is still there: the time is what is tested.
        await new Promise((resolve) => setTimeout(resolve, 200));
        site.letGo('half');
        await client.until((text) => text.includes('HTTP/1.1 200 OK'));
      }
      await client.ended;
      expect(client.text).toMatch(/HTTP\/1\.1 200 OK\r\n[^]*(hello from sh|half went on)\n/);
      client.close();
    }
  });

  test('HEAD: the head of the program, and nothing behind it; the program runs to its end', async () => {
    site.program(
      'counts.sh',
      '#!/bin/sh\nprintf "Content-Type: text/plain\\nContent-Length: 200000\\nX-Method: $REQUEST_METHOD\\n\\n"\nhead -c 200000 /dev/zero\necho end >> ../notes/counted\n',
    );
    const client = new WsgiClient(site.port);
    client.send('HEAD /counts.sh HTTP/1.1\r\nHost: a\r\n\r\nGET /hello.sh HTTP/1.1\r\nHost: a\r\n\r\n');
    const head = await client.answer('HEAD');
    expect([head.status, head.headers.get('content-length'), head.headers.get('x-method')]).toEqual([
      200,
      '200000',
      'HEAD',
    ]);
    expect((await client.answer()).body.toString()).toBe('hello from sh\n');
    await pollUntil(() => site.notes('counted').length === 1);
    client.close();
  });

  test('a program that closes its output has answered, and goes on', async () => {
    rmSync(site.file('notes/go'), { force: true });
    const answer = await site.get('/closes-output.sh');
    expect([answer.complete, answer.body.toString()]).toEqual([true, 'all of it\n']);
    const [pid] = await site.pids(1);
    expect(site.programPids()).toContain(pid);
    site.letGo('go');
    await allGone([pid!]);
    expect(site.notes('closes-output')).toEqual(['done']);
  });

  test('to HTTP/1.0 the answer ends with the connection', async () => {
    const client = new WsgiClient(site.port);
    client.send('GET /hello.sh HTTP/1.0\r\n\r\n');
    await client.ended;
    expect(client.text).toMatch(/\r\n\r\nhello from sh\n$/);
    expect(client.text).not.toMatch(/transfer-encoding/i);
    client.close();
  });
});
