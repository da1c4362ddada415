/** Middleware for content from the configuration file, in front of programs in other languages. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Project } from '../support/cli-project.js';
import { curl } from '../support/curl.js';
import { isMissing } from '../support/test-env.js';
import { killAllIn, runXgi, startXgi } from '../support/xgi.js';

/** Says each time which process has made it. */
const PAGE = `#!/bin/sh
echo 'Content-Type: text/html; charset=utf-8'
echo
echo "<html><head></head><body>$$ $(head -c 3000 /dev/zero | tr '\\0' x)</body></html>"
`;
const LIST = `#!/bin/sh
echo 'Content-Type: application/xml'
echo
echo '<list><item>one</item></list>'
`;
const SHEET = `<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:output method="html"/><xsl:template match="item"><p><xsl:value-of select="."/></p></xsl:template></xsl:stylesheet>
`;
const SITE = `
middleware:
  - errorPages: { pages: { 404: ./404.html } }
  - compression: { codings: [gzip], minSize: 100 }
apps:
  cgi: { kind: cgi, target: ./bin }
routes:
  - path: /reports
    app: cgi
    middleware:
      - cache: { defaultTtl: 1m }
      - injectHtml: { head: "<link rel=icon>" }
`;

let project: Project;

beforeEach(() => {
  project = new Project();
  mkdirSync(path.join(project.directory, 'bin'));
  for (const [name, text] of [
    ['bin/page', PAGE],
    ['bin/list', LIST],
  ] as const) {
    project.write(name, text);
    chmodSync(path.join(project.directory, name), 0o755);
  }
  project.write('404.html', '<h1>own page</h1>');
  project.write('page.xsl', SHEET);
  project.write('xgi.config.yaml', SITE);
});

afterEach(() => killAllIn(project.directory));

test('a slow program behind a cache, its pages rewritten once and compressed', async () => {
  const server = await startXgi([], { cwd: project.directory });
  const ask = (): ReturnType<typeof curl> => curl('--compressed', server.url('/reports/page'));
  const first = await ask();
  expect(first.head).toContain('Content-Encoding: gzip');
  expect(first.head).toContain('Cache-Status: xgi;fwd=uri-miss;stored');
  expect(first.body).toContain('<head><link rel=icon></head>');
  const second = await ask();
  expect(second.head).toContain('Cache-Status: xgi;hit;ttl=');
  expect(second.body).toBe(first.body);
});

test('pages for what is not there: programs, and routes', async () => {
  const server = await startXgi([], { cwd: project.directory });
  for (const target of ['/reports/none', '/none']) {
    const response = await fetch(server.url(target));
    expect([response.status, await response.text()]).toEqual([404, '<h1>own page</h1>']);
  }
});

test.skipIf(isMissing('xsltproc'))('a stylesheet', async () => {
  project.write(
    'xgi.config.yaml',
    // Behind the compression: an answer that streams is compressed, however short it turns out to be.
    SITE.replace('minSize: 100 }', 'minSize: 100 }\n  - xslt: { stylesheet: ./page.xsl }'),
  );
  const server = await startXgi([], { cwd: project.directory });
  const response = await fetch(server.url('/reports/list'));
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(await response.text()).toBe('<p>one</p>\n');
});

test.each([
  ['minSize: 100', 'minSize: many', 'middleware[1].compression.minSize: expected bytes (8190) or a size'],
  [
    'codings: [gzip]',
    'codings: [deflate]',
    'middleware[1].compression.codings[0]: expected one of br, zstd, gzip',
  ],
  [
    'defaultTtl: 1m',
    'defaultTTL: 1m',
    'cache.defaultTTL: there is no such setting; did you mean defaultTtl?',
  ],
  [
    '404: ./404.html',
    '200: ./404.html',
    'errorPages.pages["200"]: expected a status from 400 to 599, 4xx or 5xx',
  ],
  ['./404.html', './none.html', 'received "./none.html": there is no such file'],
  ['head: "<link rel=icon>"', '', 'expected head or body, received neither'],
])('%s → %s stops the start', async (right, wrong, message) => {
  writeFileSync(path.join(project.directory, 'xgi.config.yaml'), SITE.replace(right, wrong));
  const { code, stderr } = await runXgi(['-b', '127.0.0.1:0', '--allow-root'], { cwd: project.directory });
  expect(stderr).toContain(message);
  expect(code).toBe(2);
});
