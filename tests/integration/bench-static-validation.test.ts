/** The benchmark's own checks of static files, against xgi: over HTTP/1.1, over TLS, and over HTTP/2 with h2load. */
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeCertificate } from '../../bench/environment/certificate.js';
import { findProgram } from '../../bench/environment/programs.js';
import { h2loadClient } from '../../bench/load/h2load.js';
import { validateOverHttp2 } from '../../bench/measures/http2-validation.js';
import { validateAnswers } from '../../bench/measures/validation.js';
import {
  inFolder,
  oneKilobyte,
  prepareFiles,
  staticFiles,
  type StaticFile,
} from '../../bench/static-files.js';
import { makeTempDir } from '../support/temp-dir.js';
import { startXgi } from '../support/xgi.js';

const root = prepareFiles(path.join(makeTempDir(), 'files'), [
  ...staticFiles,
  inFolder('deep/', oneKilobyte),
]);
const certificate = makeCertificate(makeTempDir());
const tlsFlags = ['--certfile', certificate.certificatePath, '--keyfile', certificate.keyPath];

async function withXgi(flags: readonly string[], work: (port: number) => Promise<void>): Promise<void> {
  const server = await startXgi(['static', root, ...flags]);
  try {
    await work(server.port);
  } finally {
    await server.stop();
  }
}

/** The same file with another last byte. */
function otherwise(file: StaticFile): StaticFile {
  const body = Buffer.from(file.content);
  body[body.length - 1]! ^= 1;
  const [{ request, answer }] = file.exchanges;
  return { ...file, exchanges: [{ request, answer: { ...answer, body } }] };
}

describe.each([
  { over: 'HTTP/1.1', flags: [], secure: undefined },
  { over: 'TLS', flags: tlsFlags, secure: certificate },
])('$over', ({ flags, secure }) => {
  test.each([...staticFiles, inFolder('deep/', oneKilobyte)])('$file', (file) =>
    withXgi(flags, async (port) => {
      expect(await validateAnswers(port, file, secure)).toEqual({ keepsAlive: true });
      await expect(validateAnswers(port, otherwise(file), secure)).rejects.toThrow('the body should be');
    }),
  );
});

test('TLS: the certificate has to be the one that is expected', () =>
  withXgi(tlsFlags, async (port) => {
    const other = makeCertificate(makeTempDir());
    await expect(validateAnswers(port, oneKilobyte, other)).rejects.toThrow(/self-signed certificate/);
  }));

describe('HTTP/2', () => {
  test('the answer is checked', () =>
    withXgi(tlsFlags, async (port) => {
      await validateOverHttp2({ port, certificate }, oneKilobyte);
      await expect(validateOverHttp2({ port, certificate }, otherwise(oneKilobyte))).rejects.toThrow(
        'the body should be',
      );
    }));

  test('a load by h2load is counted', () =>
    withXgi(tlsFlags, async (port) => {
      const server = { port, certificate, cpuMicroseconds: () => NaN };
      const client = h2loadClient(findProgram('h2load'), 10);
      const shape = { connections: 2, seconds: 2 };
      const round = await client.load(server, oneKilobyte, shape);
      expect(round.requestsPerSecond).toBeGreaterThan(0);
      expect(round).toMatchObject({ statusErrors: 0, socketErrors: 0, timeouts: 0 });
      const missing = { ...oneKilobyte, load: { ...oneKilobyte.load, path: '/missing.png' } };
      const failed = await client.load(server, missing, shape);
      expect(failed.statusErrors).toBe(failed.requests);
      const longer = { ...oneKilobyte, load: { ...oneKilobyte.load, answerBytes: 1025 } };
      await expect(client.load(server, longer, shape)).rejects.toThrow(/answers had \d+ bytes and not/);
    }));
});
