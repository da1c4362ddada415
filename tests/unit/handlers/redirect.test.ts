import { expect, test } from 'vitest';
import { createRedirect } from '../../../src/handlers/redirect.js';
import type { GatewayResponse } from '../../../src/types.js';
import { newRequest } from '../gateway/requests.js';

test.each([
  ['https://example.org', '/a', 'b=c', 'https://example.org?b=c'],
  ['https://example.org/*', '/a/b', 'c=d', 'https://example.org/a/b?c=d'],
  ['https://example.org/*', '', '', 'https://example.org/'],
  ['/new/*', '/a%20b/', '', '/new/a%20b/'],
  ['/new*', '/a', '', '/new/a'],
  ['/new*', '', '', '/new'],
  ['/fixed?x=1', '/a', 'b=c', '/fixed?x=1'],
  ['/page#part', '/a', 'b=c', '/page?b=c#part'],
  ['/page?x=1#part', '/a', 'b=c', '/page?x=1#part'],
  ['/page#a?b', '/a', 'b=c', '/page?b=c#a?b'],
  ['/app#/*', '/a', 'b=c', '/app?b=c#/a'],
  ['/new/*?from=old', '/a', 'b=c', '/new/a?from=old'],
  ['https://example.org/*#top', '/a', 'b=c', 'https://example.org/a?b=c#top'],
  // Not to another host.
  ['/*', '//evil.example/x', '', '/evil.example/x'],
  ['https://example.org*', '/.evil.example', '', 'https://example.org/.evil.example'],
  // OPTIONS of the server as a whole.
  ['/new/*', '*', '', '/new/'],
])('to %s, of %s?%s', (to, path, query, location) => {
  const response = createRedirect({ to, status: 308 })(newRequest({ path, query })) as GatewayResponse;
  expect([response.head.status, response.head.field('location')]).toEqual([308, location]);
});
