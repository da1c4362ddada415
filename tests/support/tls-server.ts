/** A real Server with TLS on a free port of the loopback interface, closed with the test; and a client of HTTP/2 that trusts it. */
import { connect, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { readFileSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import { readTlsMaterial, type TlsFiles } from '../../src/server/tls/material.js';
import type { Handler } from '../../src/types.js';
import { Authority } from './certificates.js';
import { startServer, type RunningServer, type StartOptions } from './http-server.js';

export const authority: Authority = new Authority();
const pair = authority.issue('server');

/** To be trusted by clients. */
export const ca: Buffer = readFileSync(authority.cert);

export async function startTlsServer(
  handler: Handler,
  options: Omit<StartOptions, 'tls'> & { readonly tls?: Partial<TlsFiles> } = {},
): Promise<RunningServer> {
  const files = {
    certificates: [{ certFile: pair.cert, keyFile: pair.key }],
    caFile: null,
    clientCertificates: 'none',
    ...options.tls,
  } as const;
  return await startServer(handler, { ...options, tls: readTlsMaterial(files, () => {}) });
}

/** Ends with the test. Errors of the session are for the test to look at. */
export async function connectHttp2(port: number, options: object = {}): Promise<ClientHttp2Session> {
  const session = connect(`https://localhost:${port}`, { ca, ...options });
  session.on('error', () => {});
  onTestFinished(() => session.destroy());
  await new Promise<void>((resolve, reject) => {
    session.once('connect', () => resolve());
    session.once('error', reject);
  });
  return session;
}

export interface Http2Answer {
  readonly status: number;
  readonly fields: IncomingHttpHeaders;
  readonly body: string;
  /** The stream's error code; 0 for none. */
  readonly code: number;
}

/** One request. Resolves when its stream has ended, however. */
export function request(
  session: ClientHttp2Session,
  fields: Readonly<Record<string, string | string[]>> = {},
  body?: string | Buffer,
): Promise<Http2Answer> {
  return new Promise((resolve) => {
    const stream = session.request({ ':path': '/', ...fields }, { endStream: body === undefined });
    let received: IncomingHttpHeaders = {};
    const chunks: Buffer[] = [];
    stream.on('response', (headers) => (received = headers));
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', () => {});
    stream.on('close', () =>
      resolve({
        status: Number(received[':status'] ?? 0),
        fields: received,
        body: Buffer.concat(chunks).toString('latin1'),
        code: stream.rstCode,
      }),
    );
    if (body !== undefined) stream.end(body);
  });
}
