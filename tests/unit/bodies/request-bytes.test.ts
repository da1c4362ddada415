import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { collectBody, givenBody, requestChunks } from '../../../src/bodies/request-bytes.js';
import { deriveRequest } from '../../../src/http/derived-request.js';
import type { Handler } from '../../../src/types.js';
import { RawClient } from '../../support/http-client.js';
import { answer, startServer } from '../../support/http-server.js';

const LARGE = Buffer.alloc(3_000_000, 'abcdefg');

describe('collectBody', () => {
  const handler: Handler = async ({ body }) => answer(String((await collectBody(body, 1000)).length));

  test.each([
    ['none', undefined, '0'],
    ['with a length', 'a'.repeat(1000), '1000'],
    ['in chunks', new Blob(['a'.repeat(1000)]).stream(), '1000'],
  ])('%s', async (_what, body, expected) => {
    const { url } = await startServer(handler);
    const response = await fetch(url, {
      method: 'POST',
      duplex: 'half',
      ...(body && { body }),
    } as RequestInit);
    expect(await response.text()).toBe(expected);
  });

  test.each([
    ['with a length', 'a'.repeat(1001)],
    ['in chunks', new Blob(['a'.repeat(1001)]).stream()],
  ])('a longer one, %s, is a 413', async (_what, body) => {
    const { url } = await startServer(handler);
    expect((await fetch(url, { method: 'POST', duplex: 'half', body } as RequestInit)).status).toBe(413);
  });

  test('a client that goes before the end is an error', async () => {
    let failure: unknown;
    const { port } = await startServer(async ({ body }) => {
      await collectBody(body, 1000).catch((error: unknown) => (failure = error));
      return answer();
    });
    const client = await RawClient.connect(port);
    client.socket.end('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc');
    await client.until(() => client.closed || client.ended, 'the end');
    expect(failure).toBeInstanceOf(Error);
  });
});

test('requestChunks: the whole of a large body, read slowly', async () => {
  const { url } = await startServer(async ({ body }) => {
    const hash = createHash('sha1');
    let count = 0;
    for await (const chunk of requestChunks(body)) {
      hash.update(chunk);
      count += 1;
      if (count % 8 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return answer(hash.digest('hex'));
  });
  const response = await fetch(url, { method: 'POST', body: LARGE });
  expect(await response.text()).toBe(createHash('sha1').update(LARGE).digest('hex'));
});

describe('givenBody: what was read is given on', () => {
  const relay =
    (next: Handler): Handler =>
    async (request) =>
      await next(deriveRequest(request, { body: givenBody(await collectBody(request.body, 10_000_000)) }));

  test('to a reader that collects', async () => {
    const { url } = await startServer(relay(async ({ body }) => answer(await collectBody(body, 10_000_000))));
    const response = await fetch(url, { method: 'POST', body: LARGE });
    expect(Buffer.from(await response.arrayBuffer()).equals(LARGE)).toBe(true);
  });

  test('to a reader that pauses', async () => {
    const { url } = await startServer(
      relay(async ({ body }) => {
        let length = 0;
        for await (const chunk of requestChunks(body)) length += chunk.length;
        return answer(String(length));
      }),
    );
    expect(await (await fetch(url, { method: 'POST', body: LARGE })).text()).toBe('3000000');
  });

  test('none stays none', () => {
    expect(givenBody(Buffer.alloc(0))).toBeNull();
  });
});

test('chunks that nobody wants any more are not waited for', async () => {
  const idle = { length: -1, consume() {}, pause() {}, resume() {} };
  const chunks = requestChunks(idle);
  const waiting = chunks.next();
  expect(await chunks.return()).toEqual({ done: true, value: undefined });
  expect(await waiting).toEqual({ done: true, value: undefined });
});
