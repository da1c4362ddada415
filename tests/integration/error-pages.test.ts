/** Pages of one's own for failures that are thrown, and for those that the application answers with. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { iterableBody } from '../../src/bodies/iterable-body.js';
import type { ErrorPageHandler } from '../../src/config/middleware/error-pages.js';
import { GatewayError } from '../../src/errors.js';
import { ResponseHead } from '../../src/http/response-head.js';
import { errorPages } from '../../src/middleware/error-pages.js';
import type { Handler } from '../../src/types.js';
import { answer, startServer, streamed, TestSource } from '../support/http-server.js';
import { makeTempDir } from '../support/temp-dir.js';

const folder = makeTempDir();
const file = (name: string, text: string): string => {
  writeFileSync(path.join(folder, name), text);
  return path.join(folder, name);
};
const pages = { 404: file('404.html', '<h1>Nothing here</h1>'), '5xx': file('5xx.html', '<h1>Sorry</h1>') };

const app: Handler = ({ path: at }) => {
  if (at === '/throws') throw new GatewayError(404, 'XGI_TEST', 'no such thing');
  if (at === '/rejects') return Promise.reject(new Error('a bug'));
  if (at === '/login')
    throw new GatewayError(401, 'XGI_TEST', 'who are you?', { fields: ['WWW-Authenticate', 'Basic'] });
  if (at === '/busy') throw new GatewayError(503, 'XGI_TEST', 'busy');
  if (at === '/text') throw 'only text';
  if (at === '/405') return answer('use GET', 405, ['Allow', 'GET']);
  const fields = ['Content-Type', 'application/json', 'ETag', '"1"', 'X-Own', 'kept', 'Content-Length', '2'];
  return answer('{}', at === '/' ? 200 : 404, fields);
};

async function ask(url: string, accept = 'text/html,*/*;q=0.8', method = 'GET') {
  const response = await fetch(url, { method, headers: { Accept: accept } });
  return {
    status: response.status,
    text: await response.text(),
    fields: Object.fromEntries(response.headers),
  };
}

describe('a file', () => {
  test('for what is thrown, which is logged as ever', async () => {
    const { url, log } = await startServer(errorPages({ pages })(app));
    for (const [at, status, text] of [
      ['/throws', 404, '<h1>Nothing here</h1>'],
      ['/rejects', 500, '<h1>Sorry</h1>'],
      ['/text', 500, '<h1>Sorry</h1>'],
    ] as const)
      expect(await ask(url + at)).toMatchObject({
        status,
        text,
        fields: { 'content-type': 'text/html; charset=utf-8', 'x-content-type-options': 'nosniff' },
      });
    expect(log.map(({ level }) => level)).toEqual(['info', 'error', 'error']);
    expect((await ask(`${url}/busy`)).fields['retry-after']).toBe('1');
    const { url: other } = await startServer(errorPages({ pages: { 401: pages['404'] } })(app));
    expect((await ask(`${other}/login`)).fields['www-authenticate']).toBe('Basic');
  });

  test('for what the application answers, whose other fields stay', async () => {
    const { url } = await startServer(errorPages({ pages })(app));
    const { status, text, fields } = await ask(`${url}/other`);
    expect([status, text]).toEqual([404, '<h1>Nothing here</h1>']);
    expect(fields).toMatchObject({ 'x-own': 'kept', 'content-length': '21' });
    expect(fields['etag']).toBeUndefined();
    // What has no page stays as it is, and so does a success.
    expect((await ask(`${url}/405`)).text).toBe('use GET');
    expect((await ask(url)).text).toBe('{}');
  });

  test('not for who takes JSON or text: they get that', async () => {
    const { url } = await startServer(errorPages({ pages })(app));
    const problem = await ask(`${url}/throws`, 'application/json');
    expect(problem.fields['content-type']).toBe('application/json');
    expect(JSON.parse(problem.text)).toEqual({ type: 'about:blank', title: 'Not Found', status: 404 });
    expect((await ask(`${url}/throws`, 'text/plain')).text).toBe('404 Not Found\n');
    // The application's own words for such a client.
    const own = await ask(`${url}/other`, 'application/json');
    expect(own.text).toBe('{}');
    // To others, it would have been the page.
    expect(own.fields['vary']).toBe('Accept');
  });

  test('HEAD has its fields', async () => {
    const { url } = await startServer(errorPages({ pages })(app));
    const { status, text, fields } = await ask(`${url}/throws`, '*/*', 'HEAD');
    expect([status, text, fields['content-length']]).toEqual([404, '', '21']);
  });

  test('lets go of the body that it takes the place of', async () => {
    const source = new TestSource();
    const { url } = await startServer(errorPages({ pages })(() => streamed(source, [], 500)));
    expect((await ask(url)).text).toBe('<h1>Sorry</h1>');
    expect(source.cancelled).toBe(1);
  });

  test('of a 503 that says itself when to come back', async () => {
    const fail: Handler = () => {
      throw new GatewayError(503, 'XGI_TEST', 'busy', { fields: ['Retry-After', '120'] });
    };
    const of503 = { 503: pages['404']! };
    const { url } = await startServer(errorPages({ pages: of503 })(fail));
    expect((await ask(url)).fields['retry-after']).toBe('120');
  });

  test('that is not there stops the start', () => {
    expect(() => errorPages({ pages: { 404: './none.html' } })).toThrow(
      /errorPages\.pages\["404"\]: .*, received "\.\/none\.html": there is no such file/,
    );
    expect(() => errorPages({ pages: { 200: pages['404'] } as never })).toThrow(
      'errorPages.pages["200"]: expected a status from 400 to 599, 4xx or 5xx, as a key',
    );
  });
});

describe('a function', () => {
  test.each(['throws', 'answers'])('of an application that %s: it may say when to come back', async (how) => {
    const page = () => ({
      head: new ResponseHead(503, ['Retry-After', '3600']),
      body: { kind: 'empty' } as const,
    });
    const fail: Handler = () => {
      if (how === 'answers') return answer('busy', 503, ['Retry-After', '5']);
      throw new GatewayError(503, 'XGI_TEST', 'busy');
    };
    const { url } = await startServer(errorPages({ pages: { 503: page } })(fail));
    expect((await ask(url)).fields['retry-after']).toBe('3600');
  });

  test('says what counts, where the application has said otherwise; lists go together', async () => {
    const page = () => ({
      head: new ResponseHead(404, ['cache-control', 'no-store', 'X-Frame-Options', 'DENY', 'Vary', 'Cookie']),
      body: { kind: 'empty' } as const,
    });
    const fields = [
      'Cache-Control',
      'max-age=9',
      'X-Frame-Options',
      'SAMEORIGIN',
      'Vary',
      'X-A',
      'X-Own',
      'kept',
    ];
    const { url } = await startServer(errorPages({ pages: { 404: page } })(() => answer('', 404, fields)));
    expect((await ask(url)).fields).toMatchObject({
      ...{ 'cache-control': 'no-store', 'x-frame-options': 'DENY', vary: 'Cookie, X-A', 'x-own': 'kept' },
    });
  });

  test('makes the page, and cannot change the status', async () => {
    const { url } = await startServer(
      errorPages({
        pages: {
          '4xx': ({ path: at }, { status, error }) => ({
            head: new ResponseHead(200, ['Content-Type', 'text/plain']),
            body: {
              kind: 'bytes',
              bytes: `${status} ${at} ${error instanceof GatewayError ? error.code : 'answered'}`,
            },
          }),
        },
      })(app),
    );
    expect(await ask(`${url}/throws`)).toMatchObject({ status: 404, text: '404 /throws XGI_TEST' });
    expect(await ask(`${url}/405`)).toMatchObject({
      status: 405,
      text: '405 /405 answered',
      fields: { allow: 'GET' },
    });
  });

  test('that fails leaves the failure as it was', async () => {
    const { url } = await startServer(
      errorPages({
        pages: {
          '4xx': () => {
            throw new GatewayError(404, 'XGI_TEST', 'the page fails');
          },
        },
      })(app),
    );
    expect((await ask(`${url}/throws`)).text).toContain('no such thing');
    expect((await ask(`${url}/405`)).text).toBe('use GET');
  });
});

test('the page nearest to the failure counts', async () => {
  const outer = errorPages({ pages: { '4xx': file('outer.html', 'outer') } });
  const { url } = await startServer(outer(errorPages({ pages })(app)));
  expect((await ask(`${url}/throws`)).text).toBe('<h1>Nothing here</h1>');
  expect((await ask(`${url}/405`)).text).toBe('outer');
});

describe('an error object that several requests share', () => {
  const shared = new GatewayError(404, 'XGI_TEST', 'there is none');
  const throwing: Handler = async () => await Promise.reject(shared);

  test('a function makes a page for each', async () => {
    const page: ErrorPageHandler = ({ query }) => answer(`you came to ${query}`);
    const { url } = await startServer(errorPages({ pages: { 404: page } })(throwing));
    for (const name of ['ada', 'bob'])
      expect((await ask(`${url}/?${name}`)).text).toBe(`you came to ${name}`);
  });

  test('a page that is a stream is read once for each', async () => {
    const page: ErrorPageHandler = ({ query }) => {
      const body = iterableBody([Buffer.from(query)]);
      return { head: new ResponseHead(200), body };
    };
    const { url } = await startServer(errorPages({ pages: { 404: page } })(throwing));
    for (const name of ['ada', 'bob']) expect((await ask(`${url}/?${name}`)).text).toBe(name);
  });

  test('a file is sent, or what else each client takes', async () => {
    const { url } = await startServer(errorPages({ pages })(throwing));
    expect((await ask(url, 'application/json')).fields['content-type']).toBe('application/json');
    expect((await ask(url)).text).toBe('<h1>Nothing here</h1>');
  });

  test('of two in a row, the inner one has made the page, and the other is let go of', async () => {
    const outer = new TestSource();
    const streaming: ErrorPageHandler = () => streamed(outer);
    const inner = errorPages({ pages: { 404: () => answer('inner') } })(throwing);
    const { url } = await startServer(errorPages({ pages: { 404: streaming } })(inner));
    expect((await ask(url)).text).toBe('inner');
    expect(outer.cancelled).toBe(1);
  });
});
