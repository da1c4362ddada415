/** Local and client redirects (RFC 3875 sections 6.2.2 to 6.2.4). */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CgiSite } from '../support/cgi-site.js';

const site = new CgiSite();

beforeAll(async () => {
  site.program(
    'counts-down.sh',
    '#!/bin/sh\necho "$REQUEST_METHOD" >> ../notes/hops\nif [ "$QUERY_STRING" -gt 0 ]; then printf "Location: /counts-down.sh?%s\\n\\n" $((QUERY_STRING - 1)); else printf "Content-Type: text/plain\\n\\nlanded\\n"; fi\n',
  );
  site.program('folder/index.cgi', '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\nthe index\\n"\n');
  await site.start();
});
afterAll(() => site.destroy());

const prints = (output: string, name = `o${Math.random()}`): ReturnType<typeof site.get> =>
  site.get(site.output(name, output));

test('a local redirect is answered by the other program, and the client learns nothing of it', async () => {
  const answer = await site.get('/redirects.sh?/hello.sh');
  expect([answer.status, answer.body.toString(), answer.headers.get('location')]).toEqual([
    200,
    'hello from sh\n',
    undefined,
  ]);
  expect((await site.get('/redirects.sh?/report.py/info%3Fa?b=c')).status).toBe(200);
  const { env } = await site.report('/redirects.sh?/report.py/the%20info?b=c');
  expect(env).toMatchObject({
    PATH_INFO: '/the info',
    QUERY_STRING: 'b=c',
    REQUEST_METHOD: 'GET',
    SCRIPT_NAME: '/report.py',
    REDIRECT_URL: '/redirects.sh',
    REDIRECT_QUERY_STRING: '/report.py/the%20info?b=c',
    REQUEST_URI: '/redirects.sh?/report.py/the%20info?b=c',
  });
});

test('ten are followed, the eleventh is an error', async () => {
  expect((await site.get('/counts-down.sh?10')).body.toString()).toBe('landed\n');
  expect(site.notes('hops')).toHaveLength(11);
  const answer = await site.get('/counts-down.sh?11');
  expect([answer.status, answer.body.toString().includes('XGI_CGI_REDIRECTS')]).toEqual([502, true]);
  await site.logged(
    /XGI_CGI_REDIRECTS: \S+counts-down\.sh: local redirects lead on and on; more than 10 are not followed, the last one was to "\/counts-down\.sh"/,
  );
});

test('a loop ends, and leaves no place taken', async () => {
  site.program('loops.sh', '#!/bin/sh\nprintf "Location: /loops.sh\\n\\n"\n');
  const answers = await Promise.all(Array.from({ length: 10 }, () => site.get('/loops.sh')));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 502));
  await site.untilIdle();
});

test('HEAD stays HEAD', async () => {
  const before = site.notes('hops').length;
  const answer = await site.get('/counts-down.sh?2', { method: 'HEAD' });
  expect(answer).toMatchObject({ status: 200, body: Buffer.alloc(0) });
  expect(site.notes('hops').slice(before)).toEqual(['HEAD', 'HEAD', 'HEAD']);
});

test('a POST becomes a GET, and its body is not kept', async () => {
  const answer = await site.get('/redirects.sh?/echoes-body.py', {
    method: 'POST',
    body: 'x'.repeat(100_000),
    headers: ['Content-Type: text/plain'],
  });
  expect(JSON.parse(answer.body.toString())).toMatchObject({
    REQUEST_METHOD: 'GET',
    CONTENT_LENGTH: null,
    CONTENT_TYPE: null,
    length: 0,
  });
  await site.untilIdle();
  await site.untilNothingSpooled();
});

test('a local redirect to nothing is a 404, and to a folder the way that a client would be told', async () => {
  expect((await site.get('/redirects.sh?/missing')).status).toBe(404);
  expect((await site.get('/redirects.sh?/folder/')).body.toString()).toBe('the index\n');
  const slash = await site.get('/redirects.sh?/folder');
  expect([slash.status, slash.headers.get('location')]).toEqual([301, '/folder/']);
});

test('a URL is for the client: 302, with a document and without', async () => {
  const bare = await site.get('/redirects.sh?http://other.example/a?b=c');
  expect([bare.status, bare.headers.get('location'), bare.body.length]).toEqual([
    302,
    'http://other.example/a?b=c',
    0,
  ]);
  const document = await prints('Location: http://other.example/\nContent-Type: text/plain\n\nmoved\n');
  expect([document.status, document.headers.get('location'), document.body.toString()]).toEqual([
    302,
    'http://other.example/',
    'moved\n',
  ]);
  const status = await prints('Status: 307 Later\nLocation: http://other.example/\n\n');
  expect(status.head).toMatch(/^HTTP\/1\.1 307 Later\r\n/);
  // Of another server, though it begins with a slash.
  const elsewhere = await site.get('/redirects.sh?//other.example/x');
  expect([elsewhere.status, elsewhere.headers.get('location')]).toEqual([302, '//other.example/x']);
});

test('a path with a Status or a cookie is for the client', async () => {
  const created = await prints('Status: 201 Created\nLocation: /new\nContent-Type: text/plain\n\nmade\n');
  expect([created.status, created.headers.get('location'), created.body.toString()]).toEqual([
    201,
    '/new',
    'made\n',
  ]);
  const cookie = await prints('Set-Cookie: a=b\nLocation: /hello.sh\n\n');
  expect([cookie.status, cookie.headers.get('location'), cookie.headers.get('set-cookie')]).toEqual([
    302,
    '/hello.sh',
    'a=b',
  ]);
});

test('the program that sends on runs to its end', async () => {
  site.program(
    'works-on.sh',
    '#!/bin/sh\nprintf "Location: /hello.sh\\n\\n"\nexec >&-\nwhile ! [ -e ../notes/go ]; do sleep 0.01; done\necho done >> ../notes/worked\n',
  );
  expect((await site.get('/works-on.sh')).body.toString()).toBe('hello from sh\n');
  expect(site.notes('worked')).toEqual([]);
  site.letGo('go');
  await site.untilIdle();
  expect(site.notes('worked')).toEqual(['done']);
});
