import { expect, test, vi } from 'vitest';

// The module remembers the last valid Host, so its first request has to be its very first.
test('an empty Host is refused by a server that has seen no request yet', async () => {
  vi.resetModules();
  const { interpretHead } = await import('../../../../src/server/http1/request-head.js');
  expect(() => interpretHead('GET', '/', 1, ['Host', ''])).toThrow('Host is not host[:port]');
});

test('a bad Host is refused again and again, also after a good one', async () => {
  vi.resetModules();
  const { interpretHead } = await import('../../../../src/server/http1/request-head.js');
  for (const host of ['a', 'b c', 'b c', 'a', 'b c']) {
    const read = (): unknown => interpretHead('GET', '/', 1, ['Host', host]);
    if (host === 'a') expect(read).not.toThrow();
    else expect(read).toThrow('Host is not host[:port]');
  }
});
