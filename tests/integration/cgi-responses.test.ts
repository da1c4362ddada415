/** What programs may answer: Status, fields, repeated cookies, line ends, lengths, nph- programs. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CgiSite } from '../support/cgi-site.js';
import { RawClient, type RawResponse } from '../support/http-client.js';

describe.each([
  ['with the launcher', false],
  ['without Python', true],
])('%s', (_name, fallback) => {
  const site = new CgiSite();
  let outputs = 0;

  beforeAll(() => (fallback ? site.startWithoutPython() : site.start()));
  afterAll(() => site.destroy());

  async function printed(output: string, nph = false): Promise<RawResponse> {
    const target = site.output(`o${++outputs}`, output);
    const client = await RawClient.connect(site.port);
    const response = await client
      .send(`GET ${nph ? '/nph-' : '/'}${target.slice(1)} HTTP/1.1\r\nHost: a\r\n\r\n`)
      .response();
    // Whatever it was, the connection goes on.
    expect((await client.send('GET /hello.sh HTTP/1.1\r\nHost: a\r\n\r\n').response()).body).toBe(
      'hello from sh\n',
    );
    return response;
  }

  test.each([
    ['', 200, 'OK'],
    ['Status: 404 Not Found\n', 404, 'Not Found'],
    ['Status: 404\n', 404, 'Not Found'],
    ['Status: 418 I am a teapot\n', 418, 'I am a teapot'],
    ['status:   503   Later  \n', 503, 'Later'],
    ['Status: 599\n', 599, ''],
    ['Status: 200 \xfcber\n', 200, '\xfcber'],
  ])('%j', async (line, status, reason) => {
    const response = await printed(`${line}Content-Type: text/plain\n\nbody`);
    expect(response).toMatchObject({ status, body: 'body' });
    expect(response.head.split('\r\n')[0]).toBe(`HTTP/1.1 ${status} ${reason}`);
    expect(response.fields['status']).toBeUndefined();
  });

  test('LF, CR LF and both mixed end a line; the first empty one ends the head', async () => {
    for (const head of [
      'A: b\nContent-Type: text/plain\n\n',
      'A: b\r\nContent-Type: text/plain\r\n\r\n',
      'A: b\r\nContent-Type: text/plain\n\r\n',
      'A: b\nContent-Type: text/plain\r\n\n',
    ])
      expect(await printed(`${head}\n\r\n\nbody`)).toMatchObject({
        status: 200,
        body: '\n\r\n\nbody',
        fields: { a: 'b', 'content-type': 'text/plain' },
      });
  });

  test('repeated fields stay apart, and in their order', async () => {
    const { head } = await printed(
      'Set-Cookie: a=1\nContent-Type: text/plain\nSet-Cookie: b=2; Path=/, x\nX-A: 1\nSet-Cookie: a=1\n\n',
    );
    expect(head.match(/^Set-Cookie: .*$/gm)).toEqual([
      'Set-Cookie: a=1',
      'Set-Cookie: b=2; Path=/, x',
      'Set-Cookie: a=1',
    ]);
  });

  test('bytes beyond ASCII in values and bodies are as they were', async () => {
    const bytes = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join('');
    const response = await printed(`Content-Type: text/plain\nX-A: \xe4\xff\n\n${bytes}`);
    expect(response.fields['x-a']).toBe('\xe4\xff');
    expect(response.body).toBe(bytes);
  });

  test('a Content-Length is passed on, and the connection is kept', async () => {
    expect(await printed('Content-Type: text/plain\nContent-Length: 4\n\nbody')).toMatchObject({
      framing: 'length',
      body: 'body',
    });
    expect(await printed('Content-Type: text/plain\nContent-Length: 0\n\n')).toMatchObject({
      framing: 'length',
      body: '',
    });
  });

  test('an empty document is one', async () => {
    expect(await printed('Content-Type: text/plain\n\n')).toMatchObject({ status: 200, body: '' });
  });

  test.each([204, 304])('%d has no body', async (status) => {
    expect(await printed(`Status: ${status}\n\n`)).toMatchObject({ status, framing: 'none' });
  });

  test('10 MB are whole', async () => {
    site.program(
      'long.sh',
      '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\n"\nyes 0123456789 | head -c 10000000\n',
    );
    const { body, complete } = await site.get('/long.sh');
    const expected = Buffer.from('0123456789\n'.repeat(1_000_000)).subarray(0, 10_000_000);
    expect([complete, body.length, body.equals(expected)]).toEqual([true, 10_000_000, true]);
  });

  describe('nph-', () => {
    test('its status line and its fields are the response’s; the framing is ours', async () => {
      const response = await printed(
        'HTTP/1.1 418 I am a teapot\r\nX-A: b\r\nContent-Type: text/plain\r\nStatus: 200\r\n\r\nbody',
        true,
      );
      expect(response).toMatchObject({ status: 418, body: 'body', fields: { 'x-a': 'b', status: '200' } });
    });

    test('HTTP/1.0, LF, and a body until the end', async () => {
      expect(await printed('HTTP/1.0 200 OK\nContent-Type: text/plain\n\nbody\n', true)).toMatchObject({
        status: 200,
        body: 'body\n',
      });
    });

    test('chunks are undone and framed anew, with extensions and trailers', async () => {
      const body = '4;a=b\r\nbody\r\n6\r\n, more\r\n0\r\nX-Trailer: x\r\n\r\n';
      const response = await printed(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}`, true);
      expect([response.status, response.body]).toEqual([200, 'body, more']);
    });

    test('a Location is for the client', async () => {
      expect(await printed('HTTP/1.1 302 Found\r\nLocation: /hello.sh\r\n\r\n', true)).toMatchObject({
        status: 302,
        fields: { location: '/hello.sh' },
      });
    });
  });
});
