/**
 * Request smuggling, TE.CL. The proxy goes by Transfer-Encoding; a server that goes by Content-Length, or that takes a coding
 * it half recognises for none at all, finds a second request inside the chunks.
 */
import { test } from 'vitest';
import { expectRefused } from '../support/http-attack.js';

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\n';
const CHUNKS = `${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`;

test('Content-Length ends before the smuggled request', async () => {
  await expectRefused(
    `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKS}`,
  );
});

test.each([
  ['white space before the colon', 'Transfer-Encoding : chunked', 400],
  ['a tab before the colon', 'Transfer-Encoding\t: chunked', 400],
  ['a leading space', ' Transfer-Encoding: chunked', 400],
  ['a continuation line', 'Transfer-Encoding:\r\n chunked', 400],
  ['a vertical tab', 'Transfer-Encoding: \x0bchunked', 400],
  ['a NUL', 'Transfer-Encoding: chunked\0', 400],
  ['hidden behind a bare LF', 'X: y\nTransfer-Encoding: chunked', 400],
  ['hidden behind a bare CR', 'X: y\rTransfer-Encoding: chunked', 400],
  ['a no-break space', 'Transfer-Encoding: \xa0chunked', 501],
  ['in quotation marks', 'Transfer-Encoding: "chunked"', 501],
  ['with a parameter', 'Transfer-Encoding: chunked;a=b', 501],
  ['part of a longer word', 'Transfer-Encoding: xchunked', 501],
  ['identity', 'Transfer-Encoding: identity', 501],
])('a coding that only some recognise: %s', async (_name, line, status) => {
  // Without Content-Length, too: whoever does not see the coding takes the chunks for the next requests.
  await expectRefused(`POST / HTTP/1.1\r\nHost: a\r\n${line}\r\n\r\n${CHUNKS}`, { status });
});
