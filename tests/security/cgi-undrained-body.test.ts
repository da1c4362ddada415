/**
 * Request smuggling through a body that nobody reads (--cgi-stream-body). The program answers, or redirects, before its body has come; what is
 * left of that must not be taken for the next request, neither when it comes at once nor behind the answer.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CgiSite } from '../support/cgi-site.js';
import { WsgiClient } from '../support/wsgi-client.js';

const SMUGGLED = 'GET /variables.sh?smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
const NEXT = 'GET /hello.sh HTTP/1.1\r\nHost: a\r\n\r\n';
const BEGINNING = 70_000;

const site = new CgiSite();
beforeAll(async () => {
  await site.start(['--cgi-stream-body']);
  site.program(
    'known-length.sh',
    '#!/bin/sh\nprintf "Content-Type: text/plain\\nContent-Length: 5\\n\\nearly"\n',
  );
  site.program('closes-input.sh', '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\nearly"\nexec <&-\n');
  site.program('no-content.sh', '#!/bin/sh\nprintf "Status: 204\\n\\n"\n');
  site.program('leads-on.sh', '#!/bin/sh\nprintf "Location: /hello.sh\\n\\n"\n');
});
afterAll(() => site.destroy());

describe.each(['known-length.sh', 'closes-input.sh', 'no-content.sh', 'leads-on.sh'])('%s', (program) => {
  test.each([
    { left: 1000, framing: 'length', when: 'at once' },
    { left: 200_000, framing: 'length', when: 'behind the answer' },
    { left: 200_000, framing: 'chunked', when: 'behind the answer' },
    { left: 400_000, framing: 'length', when: 'behind the answer' },
    { left: 400_000, framing: 'chunked', when: 'behind the answer' },
  ])('$left bytes, $framing, $when', async ({ left, framing, when }) => {
    const body = SMUGGLED.repeat(Math.ceil((BEGINNING + left) / SMUGGLED.length)).slice(0, BEGINNING + left);
    const chunk = (text: string): string =>
      framing === 'chunked' ? `${text.length.toString(16)}\r\n${text}\r\n` : text;
    const field = framing === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`;
    const rest = chunk(body.slice(BEGINNING)) + (framing === 'chunked' ? '0\r\n\r\n' : '') + NEXT;
    const client = new WsgiClient(site.port);
    client.send(`POST /${program} HTTP/1.1\r\nHost: a\r\n${field}\r\n\r\n${chunk(body.slice(0, BEGINNING))}`);
    if (when === 'at once') client.send(rest);
    expect((await client.answer()).status).toBeOneOf([200, 204]);
    if (when !== 'at once') client.send(rest);
    // Of the rest, 256 KiB are dropped, and more ends the connection.
    if (left < 262_144) expect((await client.answer()).body.toString()).toBe('hello from sh\n');
    else await client.ended;
    expect(client.text).not.toContain('smuggled');
    client.close();
  });
});
