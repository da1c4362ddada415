/**
 * XML that attacks its parser (XXE, entity bombs, encodings that hide them), and content that has a stylesheet work without end. The XML is that
 * of an application that puts into it what its users have sent.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { xslt } from '../../src/middleware/xslt.js';
import { answer, startServer } from '../support/http-server.js';
import { makeTempDir } from '../support/temp-dir.js';
import { isMissing } from '../support/test-env.js';

const SHEET = (body: string): string =>
  `<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:output method="html" encoding="UTF-8"/><xsl:template match="/">${body}</xsl:template></xsl:stylesheet>`;
const folder = makeTempDir();
const secret = path.join(folder, 'secret.txt');
writeFileSync(secret, 'the secret');
const secretUrl = pathToFileURL(secret).href;

async function transform(xml: Buffer, body = '<p><xsl:value-of select="."/></p>', options: object = {}) {
  const stylesheet = path.join(folder, 'page.xsl');
  writeFileSync(stylesheet, SHEET(body));
  const { url } = await startServer(
    xslt({ stylesheet, ...options })(() => answer(xml, 200, ['Content-Type', 'application/xml'])),
  );
  const beganMs = performance.now();
  const response = await fetch(url);
  return { status: response.status, text: await response.text(), tookMs: performance.now() - beganMs };
}

const isUnavailable = isMissing('xsltproc');
const XXE = `<!DOCTYPE a [<!ENTITY x SYSTEM "${secretUrl}">]><a>&x;</a>`;

test.skipIf(isUnavailable).each([
  ['an external entity', Buffer.from(XXE)],
  ['behind a comment and an instruction', Buffer.from(`<?xml version="1.0"?><!-- a --><?b c?>\n${XXE}`)],
  ['an external DTD', Buffer.from(`<!DOCTYPE a SYSTEM "${secretUrl}"><a/>`)],
  ['a parameter entity', Buffer.from(`<!DOCTYPE a [<!ENTITY % x SYSTEM "${secretUrl}"> %x;]><a/>`)],
  ['in UTF-16', Buffer.from(`\ufeff${XXE}`, 'utf16le')],
  ['in UTF-16 without a mark', Buffer.from(XXE, 'utf16le')],
  ['in UTF-7', Buffer.from(`<?xml version="1.0" encoding="UTF-7"?>${XXE.replaceAll('<', '+ADw-')}`)],
  [
    'a billion laughs',
    Buffer.from(
      `<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "${'&a;'.repeat(50)}"><!ENTITY c "${'&b;'.repeat(50)}"><!ENTITY d "${'&c;'.repeat(50)}">]><a>${'&d;'.repeat(50)}</a>`,
    ),
  ],
])('%s is refused', async (_what, xml) => {
  const { status, text } = await transform(xml);
  expect(status).toBe(502);
  expect(text).toContain('XGI_XSLT_REFUSED');
  expect(text).not.toContain('the secret');
});

test.skipIf(isUnavailable)('an instruction to include, or another stylesheet, is not followed', async () => {
  const xml = `<?xml-stylesheet type="text/xsl" href="${secretUrl}"?><a xmlns:xi="http://www.w3.org/2001/XInclude">safe<xi:include parse="text" href="${secretUrl}"/></a>`;
  const { status, text } = await transform(Buffer.from(xml));
  expect(status).toBe(200);
  expect(text).toContain('safe');
  expect(text).not.toContain('the secret');
});

const NESTED = '<xsl:for-each select="//a">'.repeat(6) + 'x' + '</xsl:for-each>'.repeat(6);

test.skipIf(isUnavailable)(
  'content that makes a stylesheet work without end: it is stopped in time',
  async () => {
    const xml = Buffer.from(`<r>${'<a/>'.repeat(1000)}</r>`);
    const { status, text, tookMs } = await transform(xml, NESTED.replace('>x<', '><'), { timeout: '1s' });
    expect(text).toMatch(/XGI_XSLT_(?:TIMEOUT|FAILED)/);
    expect(status).toBeGreaterThanOrEqual(502);
    expect(tookMs).toBeLessThan(10_000);
  },
);

test.skipIf(isUnavailable)(
  'content that makes a stylesheet take memory without end: it is stopped there',
  async () => {
    const xml = Buffer.from(`<r>${'<a/>'.repeat(1000)}</r>`);
    const { status, text } = await transform(xml, NESTED, { memory: '64mb', timeout: '20s' });
    expect(status).toBe(502);
    expect(text).toContain('XGI_XSLT_FAILED');
  },
);
