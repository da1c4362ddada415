/**
 * A body in chunks of one byte, for a program that does not read (--cgi-stream-body). How much of it may be on its way is counted in bytes of the
 * body; what each piece costs beside its byte (a frame, an object, a buffer) was not: 48 MiB in the launcher for each upload of 256 KiB, and
 * without Python a buffer of 128 KiB for each byte.
 */
import { expect, test } from 'vitest';
import { cpuMsOf, makeCgi, rssOf } from '../support/cgi-site.js';
import { pollUntil } from '../support/poll.js';
import { WsgiClient } from '../support/wsgi-client.js';

const MIB = 2 ** 20;
const UPLOADS = 8;
/** More than may be on its way, and in the buffers of the system. */
const CHUNKS = Buffer.from('1\r\nx\r\n'.repeat(2_000_000));

test.each([
  ['with the launcher', false],
  ['without Python', true],
])('%s they cost no more memory than others', async (_name, fallback) => {
  const site = makeCgi();
  await (fallback ? site.startWithoutPython(['--cgi-stream-body']) : site.start(['--cgi-stream-body']));
  const ours = [site.server.pid, ...(fallback ? [] : await site.launcherPids())];
  const clients = Array.from({ length: UPLOADS }, () => new WsgiClient(site.port));
  const begin = (client: WsgiClient): void => {
    client.send('POST /hold.sh?tiny HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    client.send(`11000\r\n${'x'.repeat(0x11000)}\r\n`);
  };
  for (const client of clients) begin(client);
  await pollUntil(async () => (await site.running()).length === UPLOADS);
  const before = ours.map(rssOf);
  for (const client of clients) client.send(CHUNKS);
  let cpuMs = -1;
  await pollUntil(
    () => {
      const was = cpuMs;
      cpuMs = ours.reduce((sum, pid) => sum + cpuMsOf(pid), 0);
      return was !== -1 && cpuMs - was < 20;
    },
    { everyMs: 200, what: 'all to be held back' },
  );
  for (const [i, pid] of ours.entries()) expect(rssOf(pid) - before[i]!).toBeLessThan(64 * MIB);
  for (const client of clients) client.reset();
});
