/** A folder that may be entered but not read has no listing: that is an answer, 403, and no failure inside. */
import { chmodSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createStaticHandler } from '../../src/handlers/static/static.js';
import { RawClient } from '../support/http-client.js';
import { startServer } from '../support/http-server.js';
import { makeTempDir } from '../support/temp-dir.js';

const NOBODY = 65_534;

test('the listing of a folder that cannot be read', async () => {
  const root = realpathSync(makeTempDir());
  const closed = path.join(root, 'closed');
  mkdirSync(closed);
  writeFileSync(path.join(closed, 'file.txt'), 'content', { mode: 0o644 });
  chmodSync(root, 0o755);
  chmodSync(closed, 0o311);
  const { port } = await startServer(createStaticHandler({ root, listing: true }));
  const get = async (target: string): Promise<{ status: number; body: string }> => {
    const client = await RawClient.connect(port);
    return await client.send(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`).response();
  };
  const isRoot = process.geteuid!() === 0;
  onTestFinished(() => {
    if (isRoot) process.seteuid!(0);
    chmodSync(closed, 0o755);
  });
  // Root reads everything.
  if (isRoot) process.seteuid!(NOBODY);
  const { status, body } = await get('/closed/');
  expect(status).toBe(403);
  expect(body).toContain('XGI_STATIC_UNREADABLE');
  expect((await get('/closed/file.txt')).status).toBe(200);
});
