/**
 * Continuation lines. `Transfer-Encoding:\r\n chunked` is one field to who joins lines, and an empty field and rubbish to who
 * does not; `X: y\r\n Content-Length: 5` hides a length. RFC 9112 section 5.2: a server must refuse or replace them. We refuse.
 */
import { test } from 'vitest';
import { expectRefused } from '../support/http-attack.js';

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';

test.each([' ', '\t', '  \t'])('%j', async (blank) => {
  for (const lines of [
    `X: y\r\n${blank}z`,
    `X:\r\n${blank}z`,
    `Transfer-Encoding:\r\n${blank}chunked`,
    `X: y\r\n${blank}Content-Length: ${SMUGGLED.length}`,
    `X: y\r\n${blank}`,
  ]) {
    await expectRefused(`POST / HTTP/1.1\r\nHost: a\r\n${lines}\r\n\r\n${SMUGGLED}`);
  }
  // Before the first field: some parsers skip the line, some take it for a field, and Host hides there well.
  await expectRefused(`GET / HTTP/1.1\r\n${blank}Host: a\r\nHost: b\r\n\r\n${SMUGGLED}`);
});
