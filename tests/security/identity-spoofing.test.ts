/**
 * A client that says itself who it is: `Remote-User`, and the fields by which an authentication in front tells the application of
 * users and groups, in all the spellings that some program takes for the same. None of what a client has written may reach an application
 * that stands behind an authentication.
 */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { wsgiEnviron } from '../../src/gateway/environ.js';
import { basicAuth } from '../../src/middleware/basic-auth.js';
import { bearer } from '../../src/middleware/bearer.js';
import { forwardAuth } from '../../src/middleware/forward-auth.js';
import type { Middleware } from '../../src/types.js';
import { RawClient } from '../support/http-client.js';
import { answer } from '../support/http-server.js';
import { makeToken, SECRET } from '../support/issuer.js';
import { startMiddleware } from '../support/middleware-site.js';

const SPOOFED = [
  'Remote-User',
  'REMOTE-USER',
  'remote_user',
  'Remote_User',
  'X-Remote-User',
  'X_Remote-User',
  'Auth-Type',
];

async function startAuthority(fields: Readonly<Record<string, string>>): Promise<string> {
  const server = createServer((_, response) => response.writeHead(200, fields).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** The environ, and the fields, that an application gets; one in a line. */
async function seenBehind(middleware: Middleware, fields: string): Promise<string> {
  onTestFinished(() => middleware.close?.());
  const { port } = await startMiddleware([middleware], (request) =>
    answer(`${wsgiEnviron(request, -1).replaceAll('\0', '\n')}\n\n${request.fields.join('\n')}`),
  );
  const client = await RawClient.connect(port);
  const { status, body } = await client.send(`GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`).response();
  expect(status).toBe(200);
  return body;
}

const spoofed = SPOOFED.map((name) => `${name}: mallory\r\n`).join('');
const ada = `{SHA}${createHash('sha1').update('x').digest('base64')}`;

describe('never reaches an application', () => {
  test('behind basicAuth', async () => {
    const authorization = `Authorization: Basic ${Buffer.from('ada:x').toString('base64')}\r\n`;
    const body = await seenBehind(basicAuth({ users: { ada } }), authorization + spoofed);
    expect(body).toContain('AUTH_TYPE\nBasic\nREMOTE_USER\nada\n');
    expect(body).not.toContain('mallory');
    expect(body).not.toContain('HTTP_AUTHORIZATION');
  });

  test('behind bearer, nor a variable of a claim that the token has not', async () => {
    const authorization = `Authorization: Bearer ${await makeToken(Buffer.from(SECRET))}\r\n`;
    const fields = `${authorization}${spoofed}Email: mallory\r\n`;
    const body = await seenBehind(bearer({ secret: SECRET, claims: { email: 'EMAIL' } }), fields);
    expect(body).toContain('AUTH_TYPE\nBearer\nREMOTE_USER\nada\n');
    expect(body).not.toContain('\nEMAIL\n');
    expect(body.replace('HTTP_EMAIL\nmallory', '').replace('Email\nmallory', '')).not.toContain('mallory');
  });

  test('behind forwardAuth, also in fields that the answer does not have', async () => {
    const url = await startAuthority({ 'X-User': 'ada' });
    const responseFields = ['X-Groups', 'X-Email'];
    const fields = `${spoofed}X-User: mallory\r\nx_user: mallory\r\nX-GROUPS: mallory\r\nX_Email: mallory\r\n`;
    const body = await seenBehind(forwardAuth({ url, userField: 'X-User', responseFields }), fields);
    expect(body).toContain('AUTH_TYPE\nForward\nREMOTE_USER\nada\n');
    expect(body).not.toContain('mallory');
  });

  test('behind forwardAuth whose answer names nobody: there is no user, whoever was one before', async () => {
    const url = await startAuthority({});
    const outer = basicAuth({ users: { ada } });
    const inner = forwardAuth({ url, userField: 'X-User' });
    const both: Middleware = (next) => outer(inner(next));
    const authorization = `Authorization: Basic ${Buffer.from('ada:x').toString('base64')}\r\n`;
    onTestFinished(() => inner.close?.());
    const body = await seenBehind(both, authorization + spoofed);
    expect(body).not.toContain('REMOTE_USER');
    expect(body).not.toContain('mallory');
  });
});
