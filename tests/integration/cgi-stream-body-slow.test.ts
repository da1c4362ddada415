/** A body that goes to its program while it arrives, of a client that is too slow: the deadline is the server's. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  createCgiHandler,
  DEFAULT_DEADLINES,
  DEFAULT_LIMITS,
  parseTrustedProxies,
  ProgramPool,
  Server,
} from '../../src/index.js';
import { allGone, SYSTEM_PYTHON } from '../support/cgi-site.js';
import { pollUntil } from '../support/poll.js';
import { makeTempDir, removeTempDir } from '../support/temp-dir.js';
import { WsgiClient } from '../support/wsgi-client.js';

const log = { debug() {}, info() {}, warn() {}, error() {} };

/** Reads to the end of its input, and would note that; SIGTERM does not end it. */
const READER = '#!/bin/sh\ntrap "" TERM\necho $$ > pid\ncat > /dev/null\ntouch end\n';

test.each([
  ['with the launcher', SYSTEM_PYTHON],
  ['without Python', null],
])('408, and the program is ended without an end of its input, %s', async (_name, python) => {
  const folder = makeTempDir();
  onTestFinished(() => removeTempDir(folder));
  writeFileSync(path.join(folder, 'reads.sh'), READER, { mode: 0o755 });
  const pool = new ProgramPool({ python, env: { PATH: '/usr/bin:/bin' }, log });
  const server = new Server({
    handler: createCgiHandler({ site: { kind: 'directory', path: folder }, pool, log, streamBody: true }),
    limits: DEFAULT_LIMITS,
    deadlines: { ...DEFAULT_DEADLINES, bodyIdleMs: 300 },
    trustedProxies: parseTrustedProxies(''),
    log,
  });
  await pool.start();
  onTestFinished(() => pool.stop(0));
  const { url } = await server.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 });
  onTestFinished(() => server.shutdown(0));

  const client = new WsgiClient(Number(new URL(url).port));
  client.send('POST /reads.sh HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n');
  client.send(Buffer.alloc(100_000));
  const pid = await pollUntil(() => Number(readFileSync(path.join(folder, 'pid'), 'latin1')));
  expect((await client.answer()).status).toBe(408);
  await allGone([pid]);
  expect(existsSync(path.join(folder, 'end'))).toBe(false);
  client.close();
});
