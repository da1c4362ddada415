/** This project's own server with middleware: what it compresses, and what it caches. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cachedPage } from '../../content-files.js';
import type { StaticStartRequest } from './static-contender.js';
import { xgiConfigured } from './xgi-configured.js';

const COMPRESSION = { compression: { codings: ['gzip'], level: 5 } };

export const xgiGzip = xgiConfigured({
  name: 'xgi-gzip',
  settings: () => '1 gateway process; compression: gzip, level 5',
  configure: ({ target }) => files(target.root, [COMPRESSION]),
});

export const xgiGzipGateways = xgiConfigured({
  name: 'xgi-gzip-gateways',
  settings: (workers) => `${workers} gateway processes; compression: gzip, level 5`,
  configure: ({ target, workers }) => ({ ...files(target.root, [COMPRESSION]), gateways: workers }),
});

export const xgiUncached = xgiConfigured({
  name: 'static-file',
  settings: () => 'the page as a static file',
  configure: ({ target }) => files(target.root, []),
});

export const xgiCached = xgiConfigured({
  name: 'cached-cgi',
  settings: () => 'a CGI program in sh that prints the page, behind the cache',
  configure: (request) => ({
    apps: { programs: { kind: 'cgi', target: prepareProgram(request) } },
    routes: [{ app: 'programs', middleware: ['cache'] }],
  }),
});

function files(root: string, middleware: readonly unknown[]): Readonly<Record<string, unknown>> {
  return { apps: { files: { kind: 'static', target: root } }, routes: [{ app: 'files', middleware }] };
}

/** Makes a folder with a program of the page's name. */
function prepareProgram({ target, environment }: StaticStartRequest): string {
  const folder = join(environment.scratchDirectory, 'cached-cgi');
  mkdirSync(folder, { recursive: true });
  const program = join(folder, cachedPage.file);
  const head = [
    'Content-Type: text/html; charset=utf-8',
    `Content-Length: ${cachedPage.content.length}`,
    'Cache-Control: max-age=3600',
  ];
  const lines = [...head, ''].map((line) => `echo '${line}'`);
  writeFileSync(
    program,
    ['#!/bin/sh', ...lines, `exec cat '${join(target.root, cachedPage.file)}'`, ''].join('\n'),
  );
  chmodSync(program, 0o755);
  return folder;
}
