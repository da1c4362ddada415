/**
 * An application that fails in the middle of an answer, and one that is made to fail there, leave it shorter than its Content-Length: the client can
 * tell, and throws it away. Middleware that changes the content takes that field from the head, and the half of a page became a whole one; `cache` in
 * front of it gave it to everybody.
 */
import { describe, expect, test } from 'vitest';
import { iterableBody } from '../../src/bodies/iterable-body.js';
import { ResponseHead } from '../../src/http/response-head.js';
import { cache } from '../../src/middleware/cache.js';
import { compression } from '../../src/middleware/compression.js';
import { injectHtml } from '../../src/middleware/inject-html.js';
import { transformBody } from '../../src/middleware/transform-body.js';
import { xslt } from '../../src/middleware/xslt.js';
import type { Fields, Handler, Middleware, ResponseBody } from '../../src/types.js';
import { writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { startMiddleware } from '../support/middleware-site.js';
import { makeTempDir } from '../support/temp-dir.js';
import { isMissing } from '../support/test-env.js';

const folder = makeTempDir();
const XSL =
  '<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0"><xsl:template match="/">page</xsl:template></xsl:stylesheet>';
writeFileSync(path.join(folder, 'page.xsl'), XSL);

const HALF = `<html><body>${'a'.repeat(2988)}`;
writeFileSync(path.join(folder, 'half.html'), HALF);

const changed: Middleware = (next) => async (request) =>
  transformBody(await next(request), (chunks) => chunks);

const MIDDLEWARE: Readonly<Record<string, () => readonly Middleware[]>> = {
  compression: () => [compression()],
  injectHtml: () => [injectHtml({ body: 'x' })],
  'a transform': () => [changed],
  'cache and injectHtml': () => [cache(), injectHtml({ body: 'x' })],
  'cache alone': () => [cache()],
};

const BODIES: Readonly<Record<string, (text: string) => ResponseBody | Promise<ResponseBody>>> = {
  'a stream': (text) => iterableBody([Buffer.from(text)]),
  bytes: (text) => ({ kind: 'bytes', bytes: text }),
  'a file': async () => {
    const handle = await open(path.join(folder, 'half.html'));
    return { kind: 'file', file: { handle, pieces: [{ offset: 0, length: HALF.length }] } };
  },
};

const fieldsOf = (length: number, type = 'text/html'): Fields => [
  ...['Content-Type', type, 'Content-Length', String(length), 'Cache-Control', 'max-age=60'],
];

function saying(length: number, body: (text: string) => ResponseBody | Promise<ResponseBody>): Handler {
  return async () => ({ head: new ResponseHead(200, fieldsOf(length)), body: await body(HALF) });
}

/** The text of a whole answer, or the status of another, or that it was cut. */
async function ask(url: string): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(3000) });
    const text = await response.text();
    return response.status === 200 ? text : String(response.status);
  } catch (error) {
    return (error as Error).name === 'TimeoutError' ? 'nothing' : 'cut';
  }
}

describe.each(Object.entries(MIDDLEWARE))('%s', (_, middleware) => {
  test.each(Object.entries(BODIES))('%s shorter than Content-Length is no whole answer', async (_n, body) => {
    const { url, seen } = await startMiddleware(middleware(), saying(5000, body));
    for (let i = 0; i < 2; i++) expect(['cut', '502']).toContain(await ask(url));
    expect(seen).toHaveLength(2);
  });

  test.each(Object.entries(BODIES))('%s longer than Content-Length ends there', async (_n, body) => {
    const { url } = await startMiddleware(middleware(), saying(2000, body));
    for (let i = 0; i < 2; i++) expect(await ask(url)).toBe(HALF.slice(0, 2000));
  });
});

describe.skipIf(isMissing('xsltproc'))('xslt', () => {
  const page = '<a>1</a>';
  const asked = async (length: number): Promise<string> => {
    const handler: Handler = () => ({
      head: new ResponseHead(200, fieldsOf(length, 'application/xml')),
      body: iterableBody([Buffer.from(page)]),
    });
    const middleware = xslt({ stylesheet: path.join(folder, 'page.xsl') });
    return await ask((await startMiddleware([middleware], handler)).url);
  };

  test('makes a page of what is whole only', async () => {
    expect(await asked(page.length + 1)).toBe('502');
    expect(await asked(page.length)).toContain('page');
  });
});
