/**
 * A client that sends a Forwarded with a quote which it does not close. Its proxy appends what it knows, `for="x, for=203.0.113.5`, and whoever reads
 * from the left takes the proxy's entry for a part of the client's string: the client is somebody else, or nobody, and is served as its own proxy. Or it has the
 * proxy quote what it says, a Host with `, for=6.6.6.6` in it, and hopes for somebody who splits at commas.
 */
import { describe, expect, test } from 'vitest';
import { RawClient } from '../support/http-client.js';
import { answer, startServer } from '../support/http-server.js';

async function ask(trusted: string, ...lines: string[]) {
  const { port } = await startServer(({ clientAddress, scheme }) => answer(`${clientAddress} ${scheme}`), {
    trusted,
  });
  const client = await RawClient.connect(port);
  const fields = lines.map((line) => `Forwarded: ${line}\r\n`).join('');
  return await client.send(`GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`).response();
}

const TRUSTED = '127.0.0.1,10.0.0.0/8';

describe('the entry of the trusted proxy counts, whatever stands before it', () => {
  test.each([
    ['for="x, for=203.0.113.5;proto=https'],
    ['for="x', 'for=203.0.113.5;proto=https'],
    ['for=6.6.6.6;x=", for="203.0.113.5:4711";proto=https'],
    ['for="\\, for=203.0.113.5;proto="https"'],
    ['", for="203.0.113.5";proto="https"'],
    ['rubbish; ,;, for=203.0.113.5;proto=https'],
    ['\x80\xff, for=203.0.113.5;proto=https'],
    ['for="x, for=203.0.113.5;proto=http, for=10.1.1.1;proto=https'],
    ['for=203.0.113.5;host="a, for=6.6.6.6";proto=https'],
    ['for=203.0.113.5;host="a\\", for=6.6.6.6;x=\\"b";proto=https'],
  ])('%j %j', async (...lines) => {
    const { status, body } = await ask(TRUSTED, ...lines);
    expect([status, body]).toEqual([200, '203.0.113.5 https']);
  });
});

describe('where the entry that counts cannot be read, nobody knows who the client is', () => {
  test.each([
    ['rubbish'],
    ['for="203.0.113.5'],
    ['for=203.0.113.5', 'for="x'],
    // The proxy 10.1.1.1 has said something of its client, but not what.
    ['for="x, for=10.1.1.1'],
    ['for=203.0.113.5;for=6.6.6.6'],
  ])('%j %j: 400', async (...lines) => {
    const { status, body } = await ask(TRUSTED, ...lines);
    expect(status).toBe(400);
    expect(body).toContain('XGI_HTTP_FORWARDED');
  });

  test('but the field of somebody who is not trusted is nothing to us', async () => {
    for (const line of ['rubbish', 'for="x', 'for=6.6.6.6']) {
      const { status, body } = await ask('10.0.0.0/8', line);
      expect([line, status, body.split(' ')[0]]).toEqual([line, 200, '127.0.0.1']);
    }
  });
});
