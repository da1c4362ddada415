/**
 * After a message that cannot be read, nobody knows where the next one begins. A server that goes on reading handles bytes of an
 * attacker's choice as a request. Every broken input of the golden requests is followed by a good request here, which must
 * never be handled: not when the error is answered, and not when the answer was out before the error came.
 */
import { describe, expect, test } from 'vitest';
import { RawClient } from '../support/http-client.js';
import { echo, hello, startServer } from '../support/http-server.js';
import { statusesOf } from '../support/http-attack.js';
import { INVALID } from '../unit/server/http1/requests.js';

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';

describe.each([
  ['which reads the body', echo],
  ['which answers at once', hello],
])('a handler %s', (_name, handler) => {
  test.each(INVALID.map((golden) => [golden.name, golden] as const))('%s', async (_case, golden) => {
    const { port, seen } = await startServer(handler, { ...(golden.limits && { limits: golden.limits }) });
    const client = await RawClient.connect(port);
    client.send(golden.input + SMUGGLED);
    const text = await client.rest();
    client.send(SMUGGLED);
    client.socket.destroy();
    expect(seen.filter((line) => line.includes('smuggled'))).toEqual([]);
    expect(seen.length).toBeLessThanOrEqual(golden.before ?? 0);
    // A body that cannot be read is either the answer, or comes behind one.
    if (handler === echo || golden.before === undefined) expect(statusesOf(text).at(-1)).toBe(golden.status);
    else expect(statusesOf(text)[0]).toBe(200);
  });
});
