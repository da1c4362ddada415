/** XML that takes long to come has a place that others wait for: it is not waited for without end. */
import { expect, test } from 'vitest';
import { collectXml } from '../../../src/middleware/xslt/collected-xml.js';
import { TestSource } from '../../support/http-server.js';

const options = { maxBytes: 8, timeoutMs: 60_000, gone: new AbortController().signal };

test('it is collected to its end', async () => {
  const source = new TestSource((sink) => {
    sink.data(Buffer.from('<a>'));
    sink.data(Buffer.from('</a>'));
    sink.end();
  });
  expect((await collectXml({ kind: 'stream', source }, options)).toString()).toBe('<a></a>');
});

test.each([
  ['that is not complete in time', { ...options, timeoutMs: 20 }, '<a>', 504, 'XGI_XSLT_TIMEOUT'],
  ['whose client has gone', { ...options, gone: AbortSignal.timeout(20) }, '<a>', 503, 'XGI_XSLT_FAILED'],
  ['whose client has gone before', { ...options, gone: AbortSignal.abort() }, '', 503, 'XGI_XSLT_FAILED'],
  ['that is too long', options, '<a>123456</a>', 502, 'XGI_XSLT_SIZE'],
])('one %s is let go of', async (_, given, text, status, code) => {
  const source = new TestSource((sink) => sink.data(Buffer.from(text)));
  await expect(collectXml({ kind: 'stream', source }, given)).rejects.toMatchObject({ status, code });
  expect(source.cancelled).toBe(1);
});
