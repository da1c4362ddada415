import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { ConfigError } from '../../../src/errors.js';
import { forwardAuth } from '../../../src/middleware/forward-auth.js';
import { mount } from '../../../src/middleware/mount.js';
import type { Handler, Middleware } from '../../../src/types.js';
import { RawClient } from '../../support/http-client.js';
import { answer as reply } from '../../support/http-server.js';
import { see, startMiddleware } from '../../support/middleware-site.js';

type Options = NonNullable<Parameters<typeof forwardAuth>[0]>;
type Answer = (request: IncomingMessage, response: ServerResponse) => void;

interface Authority {
  readonly url: string;
  readonly asked: IncomingMessage[];
  readonly sockets: Set<Socket>;
  answer: Answer;
}

async function startAuthority(answer: Answer): Promise<Authority> {
  const server = createServer((request, response) => {
    authority.asked.push(request);
    authority.sockets.add(request.socket);
    authority.answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const authority: Authority = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/verify?x=1`,
    asked: [],
    sockets: new Set(),
    answer,
  };
  return authority;
}

function make(options: Options): Middleware {
  const middleware = forwardAuth(options);
  onTestFinished(() => middleware.close?.());
  return middleware;
}

const letIn =
  (fields: Readonly<Record<string, string>> = {}): Answer =>
  (_, response) => {
    response.writeHead(200, fields).end('ok');
  };

test('the question has chosen fields of the request, and what it is for', async () => {
  const { url, asked } = await startAuthority(letIn());
  const site = await startMiddleware([mount({ path: '/shop' }), make({ url })]);
  const headers = {
    ...{ Cookie: 'a=b', Authorization: 'Basic x', 'User-Agent': 'me', Accept: 'text/html' },
    ...{
      'X-Other': 'no',
      'X-Forwarded-Method': 'DELETE',
      'X-Forwarded-Uri': '/public',
      'X-Forwarded-Host': 'evil',
    },
  };
  const { seen } = await see(`${site.url}/shop/cart%20?a=%20b`, { method: 'POST', body: 'text', headers });
  expect(seen.body).toBe('text');
  expect(asked[0]!.method).toBe('GET');
  expect(asked[0]!.url).toBe('/verify?x=1');
  expect(asked[0]!.headers).toEqual({
    host: new URL(url).host,
    connection: 'keep-alive',
    ...{ cookie: 'a=b', authorization: 'Basic x', 'user-agent': 'me', accept: 'text/html' },
    'x-forwarded-method': 'POST',
    'x-forwarded-proto': 'http',
    'x-forwarded-host': new URL(site.url).host,
    'x-forwarded-uri': '/shop/cart%20?a=%20b',
    'x-forwarded-for': '127.0.0.1',
  });
});

test('the fields of the question can be chosen', async () => {
  const { url, asked } = await startAuthority(letIn());
  const site = await startMiddleware([make({ url, requestFields: ['X-Api-Key'] })]);
  await see(site.url, { headers: { 'X-Api-Key': 'k', Cookie: 'a=b' } });
  expect(asked[0]!.headers['x-api-key']).toBe('k');
  expect(asked[0]!.headers.cookie).toBeUndefined();
});

test('a field that comes in pieces, and in several spellings, is asked about as a whole', async () => {
  const { url, asked } = await startAuthority(letIn());
  const site = await startMiddleware([make({ url })]);
  const client = await RawClient.connect(Number(new URL(site.url).port));
  client.send('GET / HTTP/1.1\r\nHost: a\r\nCookie: a=1\r\ncookie: b=2\r\nCOOKIE: c=3\r\n\r\n');
  await client.response();
  expect(asked[0]!.headers.cookie).toBe('a=1; b=2; c=3');
});

test('a good answer says who it is, and gives fields to the application', async () => {
  const { url } = await startAuthority(
    letIn({ 'Remote-User': 'zo\xC3\xAB', 'X-Groups': 'a,b', 'X-Secret': 's' }),
  );
  const site = await startMiddleware([make({ url, userField: 'Remote-User', responseFields: ['X-Groups'] })]);
  const { seen } = await see(site.url);
  expect(seen.user).toBe('zoë');
  expect(seen.fields['x-groups']).toBe('a,b');
  expect(seen.fields['x-secret']).toBeUndefined();
});

test('a good answer that names two users lets nobody in', async () => {
  const { url } = await startAuthority((_, response) => {
    response.writeHead(200, ['Remote-User', 'ada', 'Remote-User', 'root']).end();
  });
  const site = await startMiddleware([make({ url, userField: 'Remote-User' })]);
  const response = await fetch(site.url);
  expect([response.status, await response.text()]).toEqual([
    502,
    expect.stringContaining('XGI_AUTH_FORWARD'),
  ]);
});

test('connections are kept open, and one that was closed meanwhile is no failure', async () => {
  const { url, sockets } = await startAuthority(letIn());
  const site = await startMiddleware([make({ url })]);
  for (let i = 0; i < 5; i += 1) await see(site.url);
  expect(sockets.size).toBe(1);
  for (let i = 0; i < 5; i += 1) {
    for (const socket of sockets) socket.destroy();
    await see(site.url);
  }
});

describe('another answer goes to the client', () => {
  test.each(['GET', 'HEAD'])('as it is, for %s', async (method) => {
    const { url } = await startAuthority((_, response) => {
      response.sendDate = false;
      response.setHeader('Set-Cookie', ['a=1', 'b=2']);
      response.setHeader('Connection', 'X-Hop');
      response.setHeader('X-Hop', 'no');
      response
        .writeHead(302, { Location: 'https://login.example.org/', 'Content-Type': 'text/html' })
        .end('<a>login</a>');
    });
    const site = await startMiddleware([make({ url })]);
    const response = await fetch(site.url, { method, redirect: 'manual' });
    expect(response.status).toBe(302);
    expect(response.headers.get('location')).toBe('https://login.example.org/');
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(response.headers.get('x-hop')).toBeNull();
    expect(await response.text()).toBe(method === 'HEAD' ? '' : '<a>login</a>');
  });

  test.each([300, 304, 400, 401, 403, 404, 418, 500, 503])('with the status %i', async (status) => {
    const { url } = await startAuthority((_, response) =>
      response.writeHead(status, { 'X-Why': 'so' }).end(),
    );
    const program = vi.fn<Handler>();
    const site = await startMiddleware([make({ url })], program);
    const response = await fetch(site.url, { redirect: 'manual' });
    expect([response.status, response.headers.get('x-why')]).toEqual([status, 'so']);
    expect(program).not.toHaveBeenCalled();
  });

  test.each([200, 201, 204, 206, 299])('but not with %i', async (status) => {
    const { url } = await startAuthority((_, response) => response.writeHead(status).end());
    const site = await startMiddleware([make({ url })]);
    expect((await fetch(site.url)).status).toBe(200);
  });
});

describe('nobody comes in', () => {
  const cut: Answer = (_, response) => {
    response.writeHead(200, { 'Content-Length': '10' });
    response.write('half');
    setImmediate(() => response.destroy());
  };

  test.each<[string, number, string, Answer]>([
    ['without an answer', 504, 'no answer within 0.2 s', () => {}],
    [
      'without the end of one',
      504,
      'no answer within 0.2 s',
      (_, response) => void response.writeHead(200).write('x'),
    ],
    ['if it breaks off', 502, 'broke off', cut],
    ['if there is none', 503, 'socket hang up', (request) => void request.socket.destroy()],
    ['if it is no HTTP', 502, 'Parse Error', (request) => void request.socket.end('220 smtp\r\n\r\n')],
    ['if it is too long', 502, 'longer than', (_, response) => void response.end(Buffer.alloc(1_100_000))],
    [
      'if it cannot be relayed',
      502,
      'the status is 999',
      (request) => void request.socket.end('HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n'),
    ],
    [
      'if it changes the protocol',
      502,
      'changes the protocol',
      (request) => void request.socket.end('HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'),
    ],
  ])('%s', async (_what, status, message, answer) => {
    const { url } = await startAuthority(answer);
    const program = vi.fn<Handler>();
    const site = await startMiddleware([make({ url, timeout: '200ms' })], program);
    expect((await fetch(site.url)).status).toBe(status);
    expect(program).not.toHaveBeenCalled();
    expect(site.log.map((record) => record.message).join('\n')).toContain(message);
  });

  test('if nobody listens', async () => {
    const site = await startMiddleware([make({ url: 'http://127.0.0.1:1/' })]);
    expect((await fetch(site.url)).status).toBe(503);
  });
});

test('the question ends with the client, and is not asked again', async () => {
  const gone = vi.fn<() => void>();
  const authority = await startAuthority(letIn());
  const site = await startMiddleware([make({ url: authority.url })]);
  const client = await RawClient.connect(site.port);
  // The connection is a used one.
  expect((await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n').response()).status).toBe(200);
  authority.answer = (request) => void request.socket.on('close', gone);
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await vi.waitFor(() => expect(authority.asked).toHaveLength(2));
  client.reset();
  await vi.waitFor(() => expect(gone).toHaveBeenCalledOnce());
  authority.answer = letIn();
  expect((await fetch(site.url)).status).toBe(200);
  expect(authority.asked).toHaveLength(3);
});

describe('cookies of a good answer', () => {
  const RENEWED = ['_oauth2_proxy_0=new; Path=/; HttpOnly', '_oauth2_proxy_1=er; Path=/; HttpOnly'];
  const renew: Answer = (_, response) => void response.writeHead(202, { 'Set-Cookie': RENEWED }).end();
  const own: Handler = ({ path: asked }) => {
    if (asked === '/throws') throw new TypeError('a bug');
    return reply('', 200, ['Set-Cookie', 'cart=1']);
  };

  test('reach the client beside those of the application, and with its failures', async () => {
    const { url } = await startAuthority(renew);
    const site = await startMiddleware([make({ url, passCookies: true })], own);
    expect((await fetch(site.url)).headers.getSetCookie()).toEqual(['cart=1', ...RENEWED]);
    const failed = await fetch(`${site.url}/throws`);
    expect([failed.status, failed.headers.getSetCookie()]).toEqual([500, RENEWED]);
  });

  test('do not, if nobody asked for it', async () => {
    const { url } = await startAuthority(renew);
    const site = await startMiddleware([make({ url })], own);
    expect((await fetch(site.url)).headers.getSetCookie()).toEqual(['cart=1']);
  });

  test('are for whose request was asked about: what is remembered has none', async () => {
    const { url, asked } = await startAuthority(renew);
    const cache = { time: '1h', fields: ['X-Forwarded-Host'] };
    const site = await startMiddleware([make({ url, passCookies: true, cache })]);
    expect((await fetch(site.url)).headers.getSetCookie()).toEqual(RENEWED);
    expect((await fetch(site.url)).headers.getSetCookie()).toEqual([]);
    expect(asked).toHaveLength(1);
  });

  test.each([
    ['a line of its own', 'a=b\n\nHTTP/1.1 200 OK'],
    ['a control character', 'a=\x01'],
    ['a NUL', 'a=\0'],
    ['more than there can be', `a=${'x'.repeat(100_000)}`],
  ])('with %s: nobody comes in', async (_what, cookie) => {
    const { url } = await startAuthority(
      (request) =>
        void request.socket.end(`HTTP/1.1 200 OK\r\nSet-Cookie: ${cookie}\r\nContent-Length: 0\r\n\r\n`),
    );
    const program = vi.fn<Handler>();
    const site = await startMiddleware([make({ url, passCookies: true })], program);
    const response = await fetch(site.url);
    expect([response.status, response.headers.getSetCookie()]).toEqual([502, []]);
    expect(await response.text()).toContain('XGI_AUTH_FORWARD');
    expect(program).not.toHaveBeenCalled();
  });
});

describe('a cache', () => {
  test('knows a good answer for the same question, and nothing else', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const { url, asked } = await startAuthority((request, response) =>
      response.writeHead(200, { 'Remote-User': request.headers.cookie ?? 'nobody' }).end(),
    );
    const site = await startMiddleware([make({ url, userField: 'Remote-User', cache: { time: '5s' } })]);
    const ask = async (path: string, cookie: string, method = 'GET'): Promise<void> => {
      const { seen } = await see(site.url + path, { method, headers: { Cookie: cookie } });
      expect(seen.user).toBe(cookie);
    };
    for (let i = 0; i < 3; i += 1) await ask('/a', 'u=1');
    expect(asked).toHaveLength(1);
    await ask('/a', 'u=2');
    await ask('/b', 'u=1');
    await ask('/a?', 'u=1');
    await ask('/a?b', 'u=1');
    await ask('/a', 'u=1', 'POST');
    expect(asked).toHaveLength(5);
    vi.advanceTimersByTime(5001);
    await ask('/a', 'u=1');
    expect(asked).toHaveLength(6);
  });

  test('by chosen fields', async () => {
    const { url, asked } = await startAuthority(letIn());
    const cache = { time: '5s', fields: ['Cookie', 'X-Forwarded-Host'] };
    const site = await startMiddleware([make({ url, cache })]);
    await see(`${site.url}/a`, { headers: { Cookie: 'u=1' } });
    await see(`${site.url}/b`, { headers: { Cookie: 'u=1' } });
    expect(asked).toHaveLength(1);
    await see(`${site.url}/b`, { headers: { Cookie: 'u=2' } });
    await see(`${site.url}/b`);
    await see(`${site.url.replace('127.0.0.1', 'localhost')}/b`, { headers: { Cookie: 'u=1' } });
    expect(asked).toHaveLength(4);
  });

  test('not of a refusal', async () => {
    const authority = await startAuthority((_, response) => response.writeHead(401).end());
    const site = await startMiddleware([make({ url: authority.url, cache: { time: '1h' } })]);
    expect((await fetch(site.url)).status).toBe(401);
    authority.answer = letIn();
    expect((await fetch(site.url)).status).toBe(200);
  });
});

test.each([
  '/public/../admin',
  '/public/%2E%2e/admin',
  '/./admin',
  '/public/..',
  '/public\\..\\admin',
  '/public/..%2Fadmin',
  '/public/..%5cadmin',
])('a path that another reads as another is not asked for: %s', async (path) => {
  const { url, asked } = await startAuthority(letIn());
  const site = await startMiddleware([make({ url })]);
  const client = await RawClient.connect(Number(new URL(site.url).port));
  const { status } = await client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).response();
  expect(status).toBe(400);
  expect(asked).toEqual([]);
});

describe('is refused', () => {
  test.each([
    ['no URL', {}, 'a URL with http or https'],
    ['a URL that is none', { url: 'http://' }, 'a URL with http or https'],
    [
      'a field that xgi sets',
      { url: 'http://a/', requestFields: ['X-Forwarded-Uri'] },
      'X-Forwarded-*, which xgi sets',
    ],
    [
      'a field of the connection',
      { url: 'http://a/', requestFields: ['Transfer-Encoding'] },
      'none of the connection',
    ],
    [
      'a field that frames the body',
      { url: 'http://a/', responseFields: ['Content-Length'] },
      'received "Content-Length"',
    ],
    [
      'a cache by a field that is in no question: all would be let in as the first',
      { url: 'http://a/', cache: { time: 5, fields: ['X-Forwarded-Host', 'Cookies'] } },
      /^forwardAuth\.cache\.fields.*1.*: expected a field of the question/,
    ],
    [
      'a cache by a field that is not asked with',
      { url: 'http://a/', requestFields: ['Cookie'], cache: { time: 5, fields: ['Authorization'] } },
      /expected a field of the question: one of requestFields \(Cookie\)/,
    ],
    ['a cache without a time', { url: 'http://a/', cache: {} }, 'forwardAuth.cache.time'],
  ])('%s', (_what, options, message) => {
    expect(() => forwardAuth(options as Options)).toThrow(ConfigError);
    expect(() => forwardAuth(options as Options)).toThrow(message);
  });
});
