/**
 * A lone LF or CR. Lenient parsers end a line at LF; a proxy that does not passes on `X: a\nContent-Length: 30` as one field, and
 * we would read two (CVE-2023-30589 for CR). RFC 9112 section 2.2 allows a recipient to accept LF; we do not.
 */
import { test } from 'vitest';
import { expectRefused } from '../support/http-attack.js';

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';

test.each(['\n', '\r', '\n\r', '\r\r\n', '\n\n'])('%j', async (end) => {
  for (const text of [
    `GET / HTTP/1.1${end}Host: a\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: a${end}\r\n`,
    `GET / HTTP/1.1\r\nHost: a${end}X: y\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: a\r\nX: y${end}Content-Length: ${SMUGGLED.length}\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n${end}`,
  ]) {
    await expectRefused(text + SMUGGLED);
  }
});

test.each(['\n', '\r', '\r\r\n'])('%j inside the chunked coding', async (end) => {
  const head = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
  for (const chunks of [
    `1${end}x\r\n0\r\n\r\n`,
    `1\r\nx${end}0\r\n\r\n`,
    `1\r\nx\r\n0${end}\r\n`,
    `1\r\nx\r\n0\r\n${end}`,
    // TERM.EXT: what is the end of the line for one is part of the extension for the other.
    `1;${end}x\r\n0\r\n\r\n`,
    `2;a${end}xy\r\n0\r\n\r\n`,
  ]) {
    await expectRefused(head + chunks + SMUGGLED, { handled: ['POST /'] });
  }
});
