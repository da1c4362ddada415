/**
 * Head injection from a program's output. A program puts what a client sent into a field, and the client's CR LF ends the head, or begins a
 * second response; or the program is the attacker's, and its framing desynchronizes the connection that other users' requests come over.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CgiSite } from '../support/cgi-site.js';
import { RawClient, type RawResponse } from '../support/http-client.js';

const site = new CgiSite();

beforeAll(() => site.start());
afterAll(() => site.destroy());

let outputs = 0;

/** The answer to a program with that output, and to an honest one that is asked on the same connection, if that is still there. */
async function answered(
  output: string,
  { nph = false, method = 'GET' } = {},
): Promise<{ first: RawResponse; next: string }> {
  const target = site.output(`output-${++outputs}`, output);
  const client = await RawClient.connect(site.port);
  client.send(`${method} ${nph ? '/nph-' : '/'}${target.slice(1)} HTTP/1.1\r\nHost: a\r\n\r\n`);
  const first = await client.response({ method });
  client.send('GET /hello.sh HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  return { first, next: await client.rest().catch(() => '') };
}

/** One answer for one request: nothing of it is left over to be taken for another. */
function expectInStep(next: string): void {
  expect(next).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*hello from sh\n/);
  expect(next.match(/HTTP\/1\.1/g)).toHaveLength(1);
}

const TYPE = 'Content-Type: text/plain';

describe('what no head may hold is 502, and reaches nobody', () => {
  test.each([
    ['a bare CR in a value', `${TYPE}\nX-A: b\rSet-Cookie: evil=1\n\nbody`],
    ['a CR before CR LF', `${TYPE}\r\nX-A: evil\r\r\n\r\nbody`],
    ['a bare CR for a line end', `${TYPE}\rSet-Cookie: evil=1\r\rbody`],
    ['a NUL in a value', `${TYPE}\nX-A: b\0evil\n\nbody`],
    ['a NUL in a name', `${TYPE}\nX\0A: evil\n\nbody`],
    ['another control character', `${TYPE}\nX-A: \x1b[2Jevil\n\nbody`],
    ['DEL', `${TYPE}\nX-A: evil\x7f\n\nbody`],
    ['a folded line', `${TYPE}\nX-A: b\n Set-Cookie: evil=1\n\nbody`],
    ['white space before the colon', `${TYPE}\nX-A : evil\n\nbody`],
    ['white space before a name', ` ${TYPE}\nX-A: evil\n\nbody`],
    ['an empty name', `${TYPE}\n: evil\n\nbody`],
    ['no colon', `${TYPE}\nevil\n\nbody`],
    ['a name that is no token', `${TYPE}\nX(A): evil\n\nbody`],
    ['a name beyond ASCII', `${TYPE}\nX\xe4: evil\n\nbody`],
    ['a CR in the status', `Status: 200 OK\rX: evil\n\nbody`],
    ['a status that is none', `Status: evil\n${TYPE}\n\nbody`],
    ['a status out of range', `Status: 999 evil\n${TYPE}\n\nbody`],
    ['an interim status', `Status: 101 evil\n${TYPE}\n\nbody`],
    ['a status with a sign', `Status: +200\n${TYPE}\n\nevil`],
    ['two status fields', `Status: 200\nStatus: 404 evil\n${TYPE}\n\nbody`],
    ['two lengths', `${TYPE}\nContent-Length: 4\nContent-Length: 10\n\nevilevil`],
    ['two equal lengths', `${TYPE}\nContent-Length: 4\ncontent-length: 4\n\nevil`],
    ['a length that is no number', `${TYPE}\nContent-Length: evil\n\nbody`],
    ['a negative length', `${TYPE}\nContent-Length: -1\n\nevil`],
    ['a length with a sign', `${TYPE}\nContent-Length: +4\n\nevil`],
    ['a hexadecimal length', `${TYPE}\nContent-Length: 0x4\n\nevil`],
    ['a list of lengths', `${TYPE}\nContent-Length: 4, 4\n\nevil`],
    ['a huge length', `${TYPE}\nContent-Length: 99999999999999999999\n\nevil`],
    ['two types', `${TYPE}\nContent-Type: text/html\n\nevil`],
    ['two locations', `Location: /a\nLocation: http://evil/\n\n`],
    ['an empty location', `Location: \n\nevil`],
    ['a status line', `HTTP/1.1 200 OK\n${TYPE}\n\nevil`],
    ['an empty line first', `\n${TYPE}\n\nevil`],
    ['no field that counts', `X-A: evil\n\nbody`],
  ])('%s', async (_name, output) => {
    const { first, next } = await answered(output);
    expect(first).toMatchObject({ status: 502, body: expect.stringContaining('XGI_CGI_BAD_HEAD') });
    expect(first.head + first.body).not.toMatch(/evil|set-cookie/i);
    expectInStep(next);
  });
});

describe('the framing is the server’s', () => {
  test.each([
    ['Transfer-Encoding', `Transfer-Encoding: chunked\n`],
    ['Content-Length and Transfer-Encoding', `Content-Length: 5\nTransfer-Encoding: chunked\n`],
    ['Connection', `Connection: close\nKeep-Alive: timeout=1\n`],
    ['Upgrade', `Connection: Upgrade\nUpgrade: websocket\n`],
    ['Trailer', `Trailer: X-A\nTE: trailers\n`],
    ['Proxy-*', `Proxy-Authenticate: Basic\nProxy-Connection: close\n`],
  ])('%s of a program has no effect', async (_name, fields) => {
    const { first, next } = await answered(`${TYPE}\n${fields}\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n`);
    expect(first.status).toBe(200);
    expect(first.body).toBe(
      fields.startsWith('Content-Length') ? '0\r\n\r\n' : '0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n',
    );
    for (const name of [
      'connection',
      'keep-alive',
      'upgrade',
      'trailer',
      'te',
      'proxy-authenticate',
      'proxy-connection',
    ])
      expect([name, first.fields[name]]).toEqual([name, undefined]);
    if (first.fields['content-length'] !== undefined)
      expect(first.fields['transfer-encoding']).toBeUndefined();
    expectInStep(next);
  });

  test('what a program writes beyond its Content-Length is dropped', async () => {
    const { first, next } = await answered(
      `${TYPE}\nContent-Length: 4\n\nbodyHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`,
    );
    expect(first.body).toBe('body');
    expectInStep(next);
  });

  test('an answer that is shorter than its Content-Length is never completed', async () => {
    const target = site.output('short', `${TYPE}\nContent-Length: 100\n\nshort`);
    const client = await RawClient.connect(site.port);
    client.send(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\nGET /hello.sh HTTP/1.1\r\nHost: a\r\n\r\n`);
    const text = await client.rest();
    // 502 if it was known in time, else a connection that breaks off: no byte of the next answer fills it up.
    if (text.startsWith('HTTP/1.1 200')) expect(text).toMatch(/\r\n\r\nshort$/);
    else expect(text).toMatch(/^HTTP\/1\.1 502 /);
  });

  test.each([204, 304])('a body of a %d does not reach the wire', async (status) => {
    const { first, next } = await answered(
      `Status: ${status}\n${TYPE}\n\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`,
    );
    expect(first.status).toBe(status);
    expectInStep(next);
  });

  test('nor that of an answer to HEAD', async () => {
    const { first, next } = await answered(`${TYPE}\nContent-Length: 4\n\nevil`, { method: 'HEAD' });
    expect(first).toMatchObject({ status: 200, fields: { 'content-length': '4' } });
    expectInStep(next);
  });
});

describe('an nph- program, which writes the whole response', () => {
  test.each([
    ['a CR in the status line', 'HTTP/1.1 200 OK\rX: evil\r\n\r\nbody'],
    ['an interim response', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nevil'],
    ['another protocol', 'HTTP/2 200\r\n\r\nevil'],
    ['a status of four digits', 'HTTP/1.1 2000 evil\r\n\r\n'],
    ['no status line', 'Content-Type: text/plain\r\n\r\nevil'],
    ['an empty line first', '\r\nHTTP/1.1 200 OK\r\n\r\nevil'],
    ['an unknown coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\nevil'],
    [
      'two codings',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\nevil',
    ],
    ['a folded line', 'HTTP/1.1 200 OK\r\nX-A: b\r\n Transfer-Encoding: evil\r\n\r\n'],
  ])('%s is 502', async (_name, output) => {
    const { first, next } = await answered(output, { nph: true });
    expect(first).toMatchObject({ status: 502, body: expect.stringContaining('XGI_CGI_BAD_HEAD') });
    expect(first.head + first.body).not.toContain('evil');
    expectInStep(next);
  });

  test('its response ends where its framing says, and a second one is not sent', async () => {
    const second = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil';
    for (const output of [
      `HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody${second}`,
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n${second}`,
      `HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX: evil\r\n\r\n${second}`,
    ]) {
      const { first, next } = await answered(output, { nph: true });
      expect(first).toMatchObject({ status: 200, body: 'body' });
      expectInStep(next);
    }
  });

  test('without a framing of its own, all of it is the body', async () => {
    const body = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil';
    const { first, next } = await answered(`HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n${body}`, {
      nph: true,
    });
    expect(first).toMatchObject({ status: 200, body });
    expect(first.fields['connection']).toBeUndefined();
    expectInStep(next);
  });

  test.each([
    ['a size that is none', 'evil\r\nbody\r\n0\r\n\r\n'],
    ['a chunk that is longer than its size', '2\r\nbody\r\n0\r\n\r\n'],
    ['a bare LF', '4\nbody\n0\n\n'],
    ['no last chunk', '4\r\nbody\r\n'],
  ])('chunks that are broken are never completed: %s', async (name, body) => {
    const target = site.output(
      name.replaceAll(' ', '-'),
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}`,
    );
    const client = await RawClient.connect(site.port);
    client.send(
      `GET /nph-${target.slice(1)} HTTP/1.1\r\nHost: a\r\n\r\nGET /hello.sh HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    );
    const text = await client.rest();
    // Found out before the head has left, it is an answer of ours, and the connection goes on; else it is cut.
    if (text.startsWith('HTTP/1.1 502 ')) {
      expect(text).not.toContain('evil');
      expect(text).toContain('hello from sh');
      return;
    }
    expect(text).not.toContain('hello from sh');
    expect(text).not.toMatch(/\r\n0\r\n\r\n/);
    expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });
});

test('what a client sends into a field by way of a program splits nothing', async () => {
  for (const evil of [
    '/%0d%0aSet-Cookie:%20evil=1',
    '/%0aSet-Cookie:%20evil=1',
    'http://a/%0d%0a%0d%0a<script>',
  ]) {
    const { status, head } = await site.get(`/redirects.sh?${evil}`);
    // Encoded, as the program has it from QUERY_STRING; who decodes it before gets 502, see above.
    expect([302, 404, 502]).toContain(status);
    expect(head).not.toMatch(/^set-cookie/im);
  }
  // dash's printf understands \n in its format only; echo in its argument.
  site.program(
    'decodes.sh',
    `#!/bin/sh\nprintf 'Content-Type: text/plain\\nX-Name: '; printf '%b' "$(echo "$QUERY_STRING" | sed 's/%/\\\\0x/g; s/\\\\0x0d/\\\\r/g; s/\\\\0x0a/\\\\n/g')"; printf '\\n\\nbody'\n`,
  );
  const split = await site.get('/decodes.sh?a%0dSet-Cookie:evil');
  expect(split).toMatchObject({ status: 502 });
  expect(split.head).not.toMatch(/set-cookie/i);
});
