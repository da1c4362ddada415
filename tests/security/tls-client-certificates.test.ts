/**
 * A client without a certificate that would be taken for one with: by a session that it resumes (Node calls a resumed TLS 1.3 session
 * authorized that never had one), by fields that look like the variables, by the certificate of another authority.
 */
import { readFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { expect, test } from 'vitest';
import { Authority } from '../support/certificates.js';
import { answer } from '../support/http-server.js';
import { authority, ca, startTlsServer } from '../support/tls-server.js';

interface Told {
  readonly status: number;
  readonly body: string;
  readonly reused: boolean;
  readonly session: Buffer | undefined;
}

function ask(port: number, options: object): Promise<Told> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ca, servername: 'localhost', ...options });
    let [text, reused] = ['', false];
    let session: Buffer | undefined;
    socket.setEncoding('latin1');
    socket.on('secureConnect', () => (reused = socket.isSessionReused()));
    socket.on('session', (ticket) => (session = ticket));
    socket.on('data', (chunk) => (text += String(chunk)));
    socket.on('error', reject);
    socket.on('close', () =>
      resolve({ status: Number(text.slice(9, 12)), body: text.split('\r\n\r\n')[1] ?? '', reused, session }),
    );
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nSSL-Client-Verify: SUCCESS\r\nConnection: close\r\n\r\n');
  });
}

const { cert, key } = authority.issue('client', { subject: '/CN=Ada' });
const certified = { cert: readFileSync(cert), key: readFileSync(key) };

async function start(clientCertificates: 'request' | 'require'): Promise<number> {
  const { port } = await startTlsServer(
    ({ peer }) => {
      const { clientCertificate } = peer.tls!;
      return answer(
        `${clientCertificate?.verify} ${clientCertificate?.verify === 'SUCCESS' ? clientCertificate.subject : ''}`,
      );
    },
    { tls: { clientCertificates, caFile: authority.cert } },
  );
  return port;
}

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'a resumed session of %s without a certificate',
  async (version) => {
    const only = { minVersion: version, maxVersion: version };
    const required = await start('require');
    const refused = await ask(required, only);
    expect(refused.status).toBe(400);
    expect(await ask(required, { ...only, session: refused.session })).toMatchObject({ status: 400 });
    const requested = await start('request');
    const first = await ask(requested, only);
    const second = await ask(requested, { ...only, session: first.session });
    expect([first.body, second.body, second.reused]).toEqual(['NONE ', 'NONE ', true]);
  },
);

test.each(['TLSv1.2', 'TLSv1.3'] as const)('a resumed session of %s with one', async (version) => {
  const only = { minVersion: version, maxVersion: version, ...certified };
  const port = await start('require');
  const first = await ask(port, only);
  const second = await ask(port, { ...only, session: first.session });
  expect([first.body, second.body, second.reused]).toEqual(['SUCCESS CN=Ada', 'SUCCESS CN=Ada', true]);
});

test('a certificate of another authority, with the same name', async () => {
  const other = new Authority().issue('client', { subject: '/CN=Ada' });
  const stranger = { cert: readFileSync(other.cert), key: readFileSync(other.key) };
  for (const wanted of ['request', 'require'] as const)
    expect((await ask(await start(wanted), stranger)).status).toBe(400);
});

test('one that has expired', async () => {
  const old = authority.issue('expired-client', { days: -1 });
  const expired = { cert: readFileSync(old.cert), key: readFileSync(old.key) };
  expect((await ask(await start('require'), expired)).status).toBe(400);
});

test('the certificate of a server is signed by the same authority, and is one of a client too: who may connect is what --ca-certs says', async () => {
  expect((await ask(await start('require'), certified)).status).toBe(200);
});
