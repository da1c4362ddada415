/** What only the listener for Node has: bodies that somebody has read before, TLS, HTTP/2, trailers and early hints. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request as httpRequest } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer as createHttpsServer, request as httpsRequest } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { buffer } from 'node:stream/consumers';
import express from 'express';
import { describe, expect, onTestFinished, test } from 'vitest';
import { iterableBody } from '../../src/bodies/iterable-body.js';
import { ResponseHead } from '../../src/http/response-head.js';
import { toNodeListener } from '../../src/library/mounting.js';
import type { Handler } from '../../src/types.js';
import { answer, echo } from '../support/http-server.js';
import { authority, ca, connectHttp2 } from '../support/tls-server.js';
import { MemoryLog } from '../support/wsgi-site.js';

const log = new MemoryLog();
const pair = authority.issue('mounted');
const tls = { cert: readFileSync(pair.cert), key: readFileSync(pair.key) };

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

const hinting: Handler = (request) => {
  request.inform(new ResponseHead(103, ['Link', '</a.css>; rel=preload']));
  return answer(`${request.scheme} ${request.httpVersion}`);
};

const trailing: Handler = () => ({
  head: new ResponseHead(200),
  body: iterableBody([Buffer.from('hello')], {
    trailers: { names: ['X-Sum'], fields: () => ['X-Sum', '5'] },
  }),
});

describe('behind what parses bodies', () => {
  test('a body that has been read is a 500 that says what to do; a request without one is answered', async () => {
    const site = express();
    site.use(express.json());
    site.use('/legacy', toNodeListener(echo, { log }));
    const port = await listen(createServer(site));
    const url = `http://127.0.0.1:${port}/legacy/x`;
    const headers = { 'Content-Type': 'application/json' };
    const response = await fetch(url, { method: 'POST', body: '{"a":1}', headers });
    expect([response.status, await response.text()]).toEqual([
      500,
      expect.stringContaining('XGI_EMBED_BODY'),
    ]);
    expect(log.matching(/XGI_EMBED_BODY: .*mount xgi in front of what parses bodies/)).toHaveLength(1);
    expect(await (await fetch(url)).text()).toBe('GET /legacy/x\n');
    // The parser is not about that one.
    const text = await fetch(url, { method: 'POST', body: 'a', headers: { 'Content-Type': 'text/plain' } });
    expect(await text.text()).toBe('POST /legacy/x\na');
  });
});

describe.each(['node:http', 'node:https'])('%s', (name) => {
  async function ask(handler: Handler): Promise<{ response: IncomingMessage; hints: unknown[] }> {
    const listener = toNodeListener(handler, { log });
    const isTls = name === 'node:https';
    const port = await listen(isTls ? createHttpsServer(tls, listener) : createServer(listener));
    const options = { host: '127.0.0.1', port, headers: { TE: 'trailers' }, agent: false } as const;
    const sent = isTls ? httpsRequest({ ...options, ca }) : httpRequest(options);
    const hints: unknown[] = [];
    sent.on('information', ({ statusCode, headers }) => hints.push([statusCode, headers['link']]));
    sent.end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return { response, hints };
  }

  test('early hints, and the scheme', async () => {
    const { response, hints } = await ask(hinting);
    expect((await buffer(response)).toString()).toBe(`${name === 'node:https' ? 'https' : 'http'} 1.1`);
    expect(hints).toEqual([[103, '</a.css>; rel=preload']]);
  });

  test('trailers', async () => {
    const { response } = await ask(trailing);
    expect((await buffer(response)).toString()).toBe('hello');
    expect([response.headers.trailer, response.trailers]).toEqual(['X-Sum', { 'x-sum': '5' }]);
  });
});

describe('node:http2', () => {
  async function ask(handler: Handler): Promise<{ body: string; hints: unknown[]; trailers: unknown }> {
    const port = await listen(createSecureServer(tls, toNodeListener(handler, { log })));
    const session = await connectHttp2(port);
    const stream = session.request({ ':path': '/' });
    const hints: unknown[] = [];
    let trailers: unknown;
    stream.on('headers', (headers) => hints.push([headers[':status'], headers['link']]));
    stream.on('trailers', (given) => (trailers = { ...given }));
    const body = (await buffer(stream)).toString();
    session.close();
    return { body, hints, trailers };
  }

  test('early hints, and the scheme', async () => {
    const hints = [[103, '</a.css>; rel=preload']];
    expect(await ask(hinting)).toEqual({ body: 'https 2.0', hints, trailers: undefined });
  });

  test('trailers', async () => {
    expect(await ask(trailing)).toMatchObject({ body: 'hello', trailers: { 'x-sum': '5' } });
  });
});
