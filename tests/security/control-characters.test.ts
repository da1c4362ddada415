/**
 * NUL and other control characters. A program in C ends its string at NUL: `Host: good\0.evil`, `/allowed\0/../secret`. A log
 * viewer obeys an escape sequence. Nothing of that kind passes.
 */
import { test } from 'vitest';
import { expectRefused } from '../support/http-attack.js';

const CONTROLS = [...Array.from({ length: 32 }, (_, code) => code), 127].filter(
  (code) => ![9, 10, 13].includes(code),
);

test('in a value, a name, the target, the method, the version', async () => {
  for (const code of CONTROLS) {
    const control = String.fromCharCode(code);
    await expectRefused(`GET / HTTP/1.1\r\nHost: a\r\nX: y${control}z\r\n\r\n`);
  }
  for (const text of [
    'GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\nX\0Y: z\r\n\r\n',
    'GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n',
    'GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n',
    'GE\0T / HTTP/1.1\r\nHost: a\r\n\r\n',
    'GET / HTTP/1.1\0\r\nHost: a\r\n\r\n',
    '\0GET / HTTP/1.1\r\nHost: a\r\n\r\n',
    'GET /\x1b[2J HTTP/1.1\r\nHost: a\r\n\r\n',
  ]) {
    await expectRefused(text);
  }
});
