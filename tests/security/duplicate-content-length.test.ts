/**
 * Two lengths, or one that two parsers read differently: a proxy takes the first, a server the last, and what is between them
 * becomes a request of its own (CVE-2018-7159 and many more).
 */
import { test } from 'vitest';
import { expectRefused } from '../support/http-attack.js';

const BODY = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';

test.each([
  ['two different', `Content-Length: 0\r\nContent-Length: ${BODY.length}`],
  ['two the same', `Content-Length: ${BODY.length}\r\nContent-Length: ${BODY.length}`],
  ['a list', `Content-Length: 0, ${BODY.length}`],
  ['a list of the same', `Content-Length: ${BODY.length}, ${BODY.length}`],
  ['signed', 'Content-Length: +0'],
  ['negative', 'Content-Length: -1'],
  ['hexadecimal', 'Content-Length: 0x0'],
  ['a space inside', 'Content-Length: 0 0'],
  ['a separator inside', 'Content-Length: 1_0'],
  ['empty', 'Content-Length: '],
  ['a fraction', 'Content-Length: 0.0'],
  ['a comment', 'Content-Length: 0 (none)'],
  ['digits of another script, in latin-1', 'Content-Length: \xb9'],
  ['white space before the colon', 'Content-Length : 0'],
])('%s', async (_name, lines) => {
  await expectRefused(`POST / HTTP/1.1\r\nHost: a\r\n${lines}\r\n\r\n${BODY}`);
});
