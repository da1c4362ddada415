import { expect, test } from 'vitest';
import { mediaTypeOf } from '../../../src/http/media-types.js';

test.each([
  ['/a/index.html', 'text/html; charset=utf-8'],
  ['a.JS', 'text/javascript; charset=utf-8'],
  ['a.mjs', 'text/javascript; charset=utf-8'],
  ['a.css', 'text/css; charset=utf-8'],
  ['a.json', 'application/json; charset=utf-8'],
  ['a.svg', 'image/svg+xml'],
  ['a.wasm', 'application/wasm'],
  ['a.woff2', 'font/woff2'],
  ['a.webmanifest', 'application/manifest+json; charset=utf-8'],
  ['favicon.ico', 'image/vnd.microsoft.icon'],
  ['a.docx', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
  ['a.tar', 'application/x-tar'],
  ['a.tar.gz', 'application/gzip'],
  ['a', 'application/octet-stream'],
  ['folder.html/README', 'application/octet-stream'],
  ['a.nobody-knows', 'application/octet-stream'],
])('%s is %s', (name, type) => expect(mediaTypeOf(name)).toBe(type));
