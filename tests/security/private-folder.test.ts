/**
 * The story of the attack: an application can write to the private folder that its gateway and its workers share, as it is the same user. It
 * turns the folder upside down, so that what the gateway removes there cannot be removed. The gateway must not care.
 */
import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { pollUntil } from '../support/poll.js';
import { request } from '../support/wsgi-client.js';
import { startSite, type Site } from '../support/wsgi-site.js';

let site: Site;

afterEach(async () => {
  chmodSync(site.supervisor.folder, 0o700);
  await site.stop(100);
});

/** The worker ends: its state file and its FIFO are to be removed. */
async function endWorker(): Promise<void> {
  const [pid] = site.supervisor.pids as [number];
  process.kill(pid, 'SIGKILL');
  await site.log.waitFor(/XGI_WORKER_EXIT/);
}

test('folders in place of its files: the worker is replaced', async () => {
  site = await startSite({ target: 'records_runs:app' });
  const { folder } = site.supervisor;
  for (const name of readdirSync(folder).filter((entry) => entry.startsWith('state-'))) {
    rmSync(path.join(folder, name));
    mkdirSync(path.join(folder, name));
    writeFileSync(path.join(folder, name, 'inside'), '');
  }
  await endWorker();
  await pollUntil(async () => (await request(site.port, '/quick?x')).status === 200);
});

test('a folder that is closed: the gateway goes on, and serves again when it is open', async () => {
  site = await startSite({
    target: 'records_runs:app',
    queueTimeoutMs: 20_000,
  });
  const { folder } = site.supervisor;
  chmodSync(folder, 0o000);
  await endWorker();
  chmodSync(folder, 0o700);
  expect((await request(site.port, '/quick?x')).status).toBe(200);
});
