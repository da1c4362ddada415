/**
 * Response splitting. An application puts what a client sent into a header; with CR LF in it the client writes the rest of the
 * response, and perhaps a second one, which a cache in front takes for the answer to another request.
 */
import { expect, test } from 'vitest';
import { ResponseHead } from '../../src/http/response-head.js';
import { RawClient } from '../support/http-client.js';
import { answer, startServer } from '../support/http-server.js';

const get = (target: string): string => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`;

test.each([
  ['CR LF', '%0d%0aSet-Cookie:%20session=evil'],
  ['a whole response', '%0d%0aContent-Length:%200%0d%0a%0d%0aHTTP/1.1%20200%20OK%0d%0a%0d%0aevil'],
  ['LF', '%0aSet-Cookie:%20session=evil'],
  ['CR', '%0dSet-Cookie:%20session=evil'],
  ['NUL', '%00'],
  // Their low bytes are CR and LF: latin-1 writes nothing else of them.
  ['characters beyond latin-1', encodeURIComponent('\u010d\u010aSet-Cookie: session=evil')],
])('%s in a value, a name and the reason phrase', async (_name, text) => {
  const { port, log } = await startServer((request) => {
    const evil = decodeURIComponent(request.query);
    switch (request.path) {
      case '/value':
        return answer('', 302, ['Location', `/${evil}`]);
      case '/name':
        return answer('', 200, [`X${evil}`, 'y']);
      case '/reason':
        return { head: new ResponseHead(200, [], `OK${evil}`), body: { kind: 'empty' } };
      default:
        return answer('next');
    }
  });
  const client = await RawClient.connect(port);
  for (const where of ['/value', '/name', '/reason']) {
    const response = await client.send(get(`${where}?${text}`)).response();
    expect(response).toMatchObject({
      status: 502,
      body: expect.stringContaining('XGI_HTTP_BAD_RESPONSE_HEAD'),
    });
    expect(response.head + response.body).not.toContain('evil');
  }
  expect((await client.send(get('/next')).response()).body).toBe('next');
  expect(log.filter(({ level }) => level === 'error')).toHaveLength(3);
});

test('an interim response cannot be split, either', async () => {
  const { port } = await startServer((request) => {
    request.inform(new ResponseHead(103, ['Link', 'a\r\n\r\nHTTP/1.1 200 OK']));
    return answer();
  });
  const client = await RawClient.connect(port);
  expect((await client.send(get('/')).response()).status).toBe(502);
});

test('an error page quotes nothing that could be a head', async () => {
  const { port } = await startServer(() => answer());
  const client = await RawClient.connect(port);
  client.send('GET / HTTP/1.1\r\nHost: a\r\nBad\r\r\nSet-Cookie: evil: y\r\n\r\n');
  const text = await client.rest();
  expect(text.slice(0, text.indexOf('\r\n\r\n'))).not.toContain('evil');
});
