/** A file that a worker offers: it is taken if it is the one that the worker has seen, in the version that it has seen. */
import { statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createWsgiHandler, type WsgiHandlerOptions } from '../../../src/handlers/wsgi.js';
import type { FileBody, GatewayResponse } from '../../../src/types.js';
import type { FileOffer } from '../../../src/wire/decoder.js';
import type { Job } from '../../../src/workers/job.js';
import { makeTempDir, removeTempDir } from '../../support/temp-dir.js';
import { newRequest } from '../gateway/requests.js';

const folder = makeTempDir();
const file = path.join(folder, 'file');
writeFileSync(file, 'content');
afterAll(() => removeTempDir(folder));

/** Offers the file, with these changes. @returns whether it was taken, and the response, if it was */
async function offer(
  changes: Partial<FileOffer>,
  options: WsgiHandlerOptions = {},
): Promise<{ taken: boolean; response: GatewayResponse | undefined }> {
  let job: Job | undefined;
  const pool = { folder, bodyMode: null, submit: (submitted: Job) => (job = submitted), abort() {} };
  const handler = createWsgiHandler(pool, options);
  const response = Promise.resolve(handler(newRequest()));
  const { dev, ino, size, mtimeNs } = statSync(file, { bigint: true });
  const taken = await new Promise<boolean>((resolve) => {
    job!.head('200 OK\0Content-Length\x007', { taken() {}, fileAck: resolve });
    job!.file({ offset: 0, length: 7, device: dev, inode: ino, size, mtimeNs, path: file, ...changes });
  });
  return { taken, response: taken ? await response : undefined };
}

test('the one that the worker has seen is taken, and may not change any more', async () => {
  const { taken, response } = await offer({});
  expect(taken).toBe(true);
  const { handle, version } = (response!.body as { file: FileBody }).file;
  await handle.close();
  const { size, mtimeNs } = statSync(file, { bigint: true });
  expect(version).toMatchObject({ size, mtimeNs });
});

test('of the files of several users, only those of the workers’ are taken', async () => {
  const { uid } = statSync(file);
  const { taken, response } = await offer({}, { fileOwner: uid });
  expect(taken).toBe(true);
  await (response!.body as { file: FileBody }).file.handle.close();
  expect((await offer({}, { fileOwner: uid + 1 })).taken).toBe(false);
});

test.each<[string, Partial<FileOffer>]>([
  ['another file', { inode: 1n }],
  ['one of another disk', { device: 0n }],
  ['one that has grown since', { size: 6n }],
  ['one that was written to since', { mtimeNs: 1n }],
  ['one that is not there', { path: `${file}-not` }],
  ['a folder', { path: folder }],
])('%s is not', async (_, changes) => {
  expect((await offer(changes)).taken).toBe(false);
});
