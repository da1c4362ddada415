import { expect, test } from 'vitest';
import { ConfigError } from '../../../src/errors.js';
import { headers } from '../../../src/middleware/headers.js';
import { answer } from '../../support/http-server.js';
import { see, startMiddleware } from '../../support/middleware-site.js';

test('set takes the place of a field, add stands beside it, remove takes it away', async () => {
  const { url } = await startMiddleware(
    [headers({ set: { 'x-program': 'two' }, add: { 'Set-Cookie': 'b=2' }, remove: ['x-gone'] })],
    () => answer('', 200, ['X-Program', 'one', 'Set-Cookie', 'a=1', 'X-Gone', 'yes', 'X-Kept', 'yes']),
  );
  const response = await fetch(url);
  expect(response.headers.get('x-program')).toBe('two');
  expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  expect(response.headers.get('x-gone')).toBeNull();
  expect(response.headers.get('x-kept')).toBe('yes');
});

test('security adds what is missing, and leaves what the application says', async () => {
  const { url } = await startMiddleware(
    [headers({ security: true, remove: ['Cross-Origin-Opener-Policy'] })],
    () => answer('', 200, ['X-Frame-Options', 'DENY']),
  );
  const fields = (await fetch(url)).headers;
  expect(fields.get('x-frame-options')).toBe('DENY');
  expect(fields.get('x-content-type-options')).toBe('nosniff');
  expect(fields.get('referrer-policy')).toBe('strict-origin-when-cross-origin');
  expect(fields.get('cross-origin-opener-policy')).toBeNull();
});

test('a head that has one field more than another: added, set and removed all the same', async () => {
  const { url } = await startMiddleware(
    [headers({ add: { Link: '</ours>' }, set: { 'X-Set': 'ours' }, remove: ['X-Gone'], security: true })],
    (request) => {
      const [name, value] = request.path.slice(1).split('=') as [string, string];
      const { head, body } = answer('', 200, ['X-Kept', 'yes']);
      return { head: head.withField(name, value), body };
    },
  );
  const ask = async (field: string): Promise<Headers> => (await fetch(`${url}/${field}`)).headers;
  expect((await ask('Link=theirs')).get('link')).toBe('theirs, </ours>');
  expect((await ask('X-Set=theirs')).get('x-set')).toBe('ours');
  expect((await ask('X-Gone=theirs')).get('x-gone')).toBeNull();
  expect((await ask('X-Frame-Options=DENY')).get('x-frame-options')).toBe('DENY');
  const other = await ask('X-Id=1');
  expect(['x-id', 'x-kept', 'link', 'x-set', 'x-frame-options'].map((name) => other.get(name))).toEqual([
    ...['1', 'yes', '</ours>', 'ours', 'SAMEORIGIN'],
  ]);
});

test('of the request, before the application sees it', async () => {
  const { url } = await startMiddleware([headers({ request: { set: { 'X-A': 'ours' }, remove: ['X-B'] } })]);
  const { seen } = await see(url, { headers: { 'x-a': 'theirs', 'x-b': 'theirs', 'x-c': 'theirs' } });
  expect(seen.fields).toMatchObject({ 'x-a': 'ours', 'x-c': 'theirs' });
  expect(seen.fields).not.toHaveProperty('x-b');
});

test.each([
  [{ set: { 'X-A': 'b\r\nSet-Cookie: evil=1' } }, 'headers.set.X-A: expected the value of a header field'],
  [{ set: { 'X A': 'b' } }, 'expected the name of a header field'],
  [{}, 'headers: expected set, add, remove, security or request, received none of them'],
  [{ security: false }, 'received none of them'],
  [{ set: {}, remove: [], request: { add: {} } }, 'received none of them'],
  [{ sett: {} }, 'there is no option sett; did you mean set?'],
  [{ request: { ad: {} } }, 'headers.request: there is no option ad; did you mean add?'],
  [{ set: { Connection: 'close' } }, 'expected the name of a header field that is not the server’s'],
  [
    { add: { 'transfer-encoding': 'chunked' } },
    'expected the name of a header field that is not the server’s',
  ],
  [{ set: { 'Content-Length': '3' } }, 'expected the name of a header field that is not the server’s'],
  [{ request: { set: { Host: 'a' } } }, 'expected the name of a header field that is not the server’s'],
])('%j is refused', (options, message) => {
  expect(() => headers(options as never)).toThrow(ConfigError);
  expect(() => headers(options as never)).toThrow(message);
});
