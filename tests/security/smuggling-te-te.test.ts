/**
 * Request smuggling, TE.TE. Both sides know Transfer-Encoding, but one of several codings or lines makes one of them look away.
 */
import { test } from 'vitest';
import { expectRefused } from '../support/http-attack.js';

const BODY = '0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';

test.each([
  ['chunked twice', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', 400],
  ['chunked, then nonsense', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: cow', 400],
  ['nonsense, then chunked', 'Transfer-Encoding: cow\r\nTransfer-Encoding: chunked', 501],
  ['identity, then chunked', 'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked', 501],
  ['chunked, then identity', 'Transfer-Encoding: chunked, identity', 400],
  ['gzip, then chunked', 'Transfer-Encoding: gzip, chunked', 501],
  ['an empty member', 'Transfer-Encoding: , chunked', 400],
  ['an empty line', 'Transfer-Encoding:\r\nTransfer-Encoding: chunked', 400],
  ['a list that ends in a comma', 'Transfer-Encoding: chunked,', 400],
])('%s', async (_name, lines, status) => {
  await expectRefused(`POST / HTTP/1.1\r\nHost: a\r\n${lines}\r\n\r\n${BODY}`, { status });
});
