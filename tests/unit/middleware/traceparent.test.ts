import { describe, expect, test } from 'vitest';
import { traceparent } from '../../../src/middleware/traceparent.js';
import { see, startMiddleware } from '../../support/middleware-site.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';

test('a request without a trace begins one, which is not sampled', async () => {
  const { url } = await startMiddleware([traceparent()]);
  const { seen } = await see(url, { headers: { tracestate: 'vendor=1' } });
  expect(seen.fields['traceparent']).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  expect(seen.fields).not.toHaveProperty('tracestate');
  expect((await see(url)).seen.fields['traceparent']).not.toBe(seen.fields['traceparent']);
});

test('one with a trace goes on with it, under another parent', async () => {
  const { url } = await startMiddleware([traceparent()]);
  const headers = { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: 'vendor=1' };
  const { seen } = await see(url, { headers });
  expect(seen.fields['traceparent']).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`));
  expect(seen.fields['traceparent']).not.toContain(PARENT);
  expect(seen.fields['tracestate']).toBe('vendor=1');
});

describe('what goes on, and what does not (W3C Trace Context section 3.2.2)', () => {
  test.each([
    ['a later version', `cc-${TRACE}-${PARENT}-01-what-the-future-brings`, true],
    ['flags of the future', `00-${TRACE}-${PARENT}-ff`, true],
    ['version ff', `ff-${TRACE}-${PARENT}-01`, false],
    ['more than version 00 has', `00-${TRACE}-${PARENT}-01-more`, false],
    ['a trace of zeros', `00-${'0'.repeat(32)}-${PARENT}-01`, false],
    ['a parent of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`, false],
    ['capital letters', `00-${TRACE.toUpperCase()}-${PARENT}-01`, false],
    ['something else', 'hello', false],
  ])('%s', async (_what, value, goesOn) => {
    const { url } = await startMiddleware([traceparent()]);
    const { seen } = await see(url, { headers: { traceparent: value, tracestate: 'vendor=1' } });
    expect(seen.fields['traceparent']!.includes(TRACE)).toBe(goesOn);
    expect('tracestate' in seen.fields).toBe(goesOn);
  });
});

test('with restart, none goes on', async () => {
  const { url } = await startMiddleware([traceparent({ restart: true })]);
  const { seen } = await see(url, {
    headers: { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: 'vendor=1' },
  });
  expect(seen.fields['traceparent']).not.toContain(TRACE);
  expect(seen.fields).not.toHaveProperty('tracestate');
});
