/**
 * Chunk extensions. Nobody uses them, most parsers skip them, and so they are a place to hide: line ends that one side sees and
 * the other does not, and megabytes of them for a body of a few bytes (CVE-2024-22019, CVE-2023-39326).
 */
import { expect, test } from 'vitest';
import { attack, expectRefused } from '../support/http-attack.js';
import { readWhole } from '../support/http-events.js';

const HEAD = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';

test.each([
  ['endless', `1;${'a'.repeat(100_000)}\r\nx\r\n0\r\n\r\n`],
  ['endless white space', `1${' '.repeat(100_000)}\r\nx\r\n0\r\n\r\n`],
  ['without a name', '1;\r\nx\r\n0\r\n\r\n'],
  ['without a value', '1;a=\r\nx\r\n0\r\n\r\n'],
  ['an open quotation mark', '1;a="\r\nx\r\n0\r\n\r\n'],
  ['a line end in quotation marks', '1;a="b\nc"\r\nx\r\n0\r\n\r\n'],
  ['a control character', '1;a\x00b\r\nx\r\n0\r\n\r\n'],
  ['rubbish behind the size', '1 x\r\nx\r\n0\r\n\r\n'],
])('%s', async (_name, chunks) => {
  await expectRefused(HEAD + chunks + SMUGGLED, { handled: ['POST /'] });
});

test('a short one on each of very many chunks', async () => {
  const chunks = `1;${'a'.repeat(200)}\r\nx\r\n`.repeat(1000);
  await expectRefused(HEAD + chunks, { handled: ['POST /'] });
  // A few are harmless, for each body anew.
  const few = `${HEAD}${`1;${'a'.repeat(200)}\r\nx\r\n`.repeat(50)}0\r\n\r\n`;
  expect(readWhole(few.repeat(3))).toMatchObject({
    requests: [{ complete: true }, { complete: true }, { complete: true }],
  });
});

test('a harmless one is no part of the body', async () => {
  const { text, statuses } = await attack(
    `${HEAD.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')}1;a=b\r\nx\r\n0;c\r\n\r\n`,
  );
  expect(statuses).toEqual([200]);
  expect(text.endsWith('\r\n\r\nPOST /\nx')).toBe(true);
});
