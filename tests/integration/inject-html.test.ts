/** Text that is put into pages while they are sent, and the heads of what was changed. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { expect, test } from 'vitest';
import { createStaticHandler } from '../../src/handlers/static/static.js';
import { compression } from '../../src/middleware/compression.js';
import { injectHtml } from '../../src/middleware/inject-html.js';
import { transformBody } from '../../src/middleware/transform-body.js';
import type { Handler } from '../../src/types.js';
import { RawClient } from '../support/http-client.js';
import { answer, startServer, streamed, TestSource } from '../support/http-server.js';
import { pollUntil } from '../support/poll.js';
import { makeTempDir } from '../support/temp-dir.js';

const PAGE = '<html><head></head><body>Grüße</body></html>';
const HTML = ['Content-Type', 'text/html; charset=utf-8'];
const serve = (handler: Handler) => startServer(injectHtml({ head: '<x>é</x>', body: '<y>' })(handler));

test('a page', async () => {
  const fields = [
    ...HTML,
    ...['ETag', '"1"', 'Last-Modified', 'Fri, 27 Nov 2026 00:00:00 GMT', 'Accept-Ranges', 'bytes'],
    ...['Content-Digest', 'x', 'X-Own', 'kept', 'Content-Length', String(Buffer.byteLength(PAGE))],
  ];
  const { url } = await serve(() => answer(Buffer.from(PAGE), 200, fields));
  const response = await fetch(url);
  expect(await response.text()).toBe('<html><head><x>é</x></head><body>Grüße<y></body></html>');
  for (const name of ['etag', 'last-modified', 'accept-ranges', 'content-digest', 'content-length'])
    expect(response.headers.get(name)).toBeNull();
  expect(response.headers.get('x-own')).toBe('kept');
  const head = await fetch(url, { method: 'HEAD' });
  expect(head.headers.get('content-length')).toBeNull();
  expect(head.headers.get('etag')).toBeNull();
});

test('in another charset, what is not ASCII is written in ASCII', async () => {
  const { url } = await serve(() =>
    answer(Buffer.from(PAGE, 'latin1'), 200, ['Content-Type', 'text/html; charset=ISO-8859-1']),
  );
  const bytes = Buffer.from(await (await fetch(url)).arrayBuffer());
  expect(bytes.toString('latin1')).toBe('<html><head><x>&#233;</x></head><body>Grüße<y></body></html>');
});

test.each<[string, readonly string[], number, Buffer]>([
  ['what is no page', ['Content-Type', 'text/plain'], 200, Buffer.from(PAGE)],
  ['no-transform', [...HTML, 'Cache-Control', 'no-transform'], 200, Buffer.from(PAGE)],
  ['what is coded', [...HTML, 'Content-Encoding', 'gzip'], 200, zlib.gzipSync(PAGE)],
  ['UTF-16', ['Content-Type', 'text/html; charset=UTF-16LE'], 200, Buffer.from(PAGE, 'utf16le')],
])('%s stays as it is', async (_what, fields, status, bytes) => {
  const { port } = await serve(() => answer(bytes, status, [...fields, 'ETag', '"1"']));
  const client = await RawClient.connect(port);
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const response = await client.response();
  expect(response.fields).toMatchObject({ etag: '"1"', 'content-length': String(bytes.length) });
  expect(response.body).toBe(bytes.toString('latin1'));
});

test('a part of a page is the whole of it; a part of a picture is a part', async () => {
  const root = makeTempDir();
  writeFileSync(path.join(root, 'index.html'), PAGE);
  writeFileSync(path.join(root, 'a.png'), 'picture');
  const { url } = await serve(createStaticHandler({ root }));
  for (const range of ['bytes=0-5', 'bytes=0-5,30-33']) {
    const page = await fetch(url, { headers: { Range: range } });
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('<x>');
  }
  const picture = await fetch(`${url}/a.png`, { headers: { Range: 'bytes=0-2' } });
  expect([picture.status, await picture.text()]).toEqual([206, 'pic']);
});

test('streams come as they are made, and are compressed behind it', async () => {
  const source = new TestSource();
  const { port } = await startServer(
    compression()(injectHtml({ head: '<x>' })(() => streamed(source, HTML))),
  );
  const client = await RawClient.connect(port);
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await pollUntil(() => source.sink);
  source.sink!.data(Buffer.from('<head><title>a</title></he'));
  await client.untilText('<title>a</title>');
  source.sink!.data(Buffer.from('ad>'));
  await client.untilText('<x></head>');
  await pollUntil(() => source.takenBytes === 29);
  client.reset();
  // Though nothing comes any more.
  await pollUntil(() => source.cancelled === 1);
});

test('a source that fails is cut off', async () => {
  const { url } = await serve(() =>
    streamed(
      new TestSource((sink) => {
        sink.data(Buffer.from('<p>'));
        setImmediate(() => sink.error(new Error('gone')));
      }),
      HTML,
    ),
  );
  await expect(fetch(url).then((response) => response.text())).rejects.toThrow('terminated');
});

test('options are checked', () => {
  expect(() => injectHtml({})).toThrow('injectHtml: expected head or body, received neither');
});

test('a transform may give chunks as they are', async () => {
  const root = makeTempDir();
  const long = randomBytes(3_000_000);
  writeFileSync(path.join(root, 'long.bin'), long);
  const files = createStaticHandler({ root });
  const { url } = await startServer(async (request) =>
    transformBody(await files(request), (chunks) => chunks),
  );
  const bytes = Buffer.from(await (await fetch(`${url}/long.bin`)).arrayBuffer());
  expect(bytes.equals(long)).toBe(true);
});

test('a transform that throws cuts the body off; one that reads nothing lets go of it', async () => {
  const sources: TestSource[] = [];
  const { url } = await startServer((request) => {
    const source = new TestSource((sink) => setImmediate(() => sink.data(Buffer.from('a'))));
    sources.push(source);
    return transformBody(streamed(source, HTML), async function* transform(chunks) {
      if (request.path === '/reads')
        for await (const chunk of chunks) throw new Error(`not to be read: ${chunk.length}`);
      yield Buffer.from('done');
    });
  });
  await expect(fetch(`${url}/reads`).then((response) => response.text())).rejects.toThrow('terminated');
  expect(await (await fetch(`${url}/not`)).text()).toBe('done');
  await pollUntil(() => sources.every(({ cancelled }) => cancelled === 1));
});
