/**
 * Values that make a careless regular expression or a careless loop take quadratic time or worse (ReDoS): thousands of spaces,
 * commas, brackets. Each request here is within the limits, and must not cost more than an ordinary one of its size.
 */
import { expect, test } from 'vitest';
import { RawClient } from '../support/http-client.js';
import { hello, startServer } from '../support/http-server.js';
import { quickest } from '../support/quickest.js';

const FILLERS = [
  ' ',
  '\t',
  ',',
  ', ',
  ' ,',
  ';',
  '"',
  '\\',
  '=',
  '%',
  ':',
  '[',
  'a',
  'a,',
  'chunked,',
  'keep-alive ',
  '1',
  '1.',
  '10.0.0.1,',
];
const NAMES = [
  'Connection',
  'Transfer-Encoding',
  'Expect',
  'Upgrade',
  'Host',
  'Content-Length',
  'X-Forwarded-For',
  'X-Forwarded-Proto',
  'Cookie',
];

test.each(NAMES)('%s', async (name) => {
  const { port } = await startServer(hello, { trusted: '*' });
  let slowest = { ms: 0, filler: '' };
  for (const filler of FILLERS) {
    // Something at both ends, so that nothing is trimmed away.
    const value = `a${filler.repeat(Math.floor(8000 / filler.length))}b`;
    const host = name === 'Host' ? '' : 'Host: a\r\n';
    const ms = await quickest(3, async () => {
      const client = await RawClient.connect(port);
      client.send(`GET / HTTP/1.1\r\n${host}${name}: ${value}\r\n\r\n`);
      expect((await client.response()).status).toBeOneOf([200, 400, 417, 501]);
      client.socket.destroy();
    });
    if (ms > slowest.ms) slowest = { ms, filler };
  }
  // Quadratic time for 8 KB is some 30 ms in a simple loop; a regular expression that backtracks takes seconds.
  expect(slowest.ms, JSON.stringify(slowest.filler)).toBeLessThan(150);
});

test('a hundred such fields in one head', async () => {
  const { port } = await startServer(hello, { trusted: '*', limits: { maxHeadBytes: 1_000_000 } });
  for (const name of ['Connection', 'X-Forwarded-For', 'Cookie']) {
    const client = await RawClient.connect(port);
    const ms = await quickest(3, async () => {
      client.send(`GET / HTTP/1.1\r\nHost: a\r\n${`${name}: ${' ,'.repeat(4000)}x\r\n`.repeat(99)}\r\n`);
      expect((await client.response()).status).toBe(200);
    });
    expect(ms, name).toBeLessThan(1000);
  }
});
