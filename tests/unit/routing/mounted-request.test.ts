import { expect, test } from 'vitest';
import { wsgiEnviron } from '../../../src/gateway/environ.js';
import { RedirectedRequest, redirectBefore } from '../../../src/handlers/cgi/redirected-request.js';
import { MountedRequest } from '../../../src/routing/mounted-request.js';
import { newRequest, readDelta } from '../gateway/requests.js';

const target = '/my%20shop/a%20b?c=d';
const whole = newRequest({ target, path: '/my%20shop/a%20b', query: 'c=d', fields: ['X-A', '1'] });

test('the path is split into SCRIPT_NAME and PATH_INFO, decoded; the target stays as it was', () => {
  const environ = readDelta(wsgiEnviron(new MountedRequest(whole, '/my%20shop'.length), -1));
  expect(environ).toMatchObject({
    SCRIPT_NAME: '/my shop',
    PATH_INFO: '/a b',
    QUERY_STRING: 'c=d',
    REQUEST_URI: target,
  });
});

test('a mount takes all of the path', () => {
  const { mount, path } = new MountedRequest(whole, whole.path.length);
  expect([mount, path]).toEqual(['/my%20shop/a%20b', '']);
});

test('everything else is that of the whole request', () => {
  const mounted = new MountedRequest(whole, 3);
  const { mount: _, path: __, whole: ___, ...rest } = mounted;
  expect(whole).toMatchObject(rest);
  expect([mounted.field('x-a'), mounted.id]).toEqual(['1', whole.id]);
});

test('a local redirect is known behind a mount, so that there are not endlessly many', () => {
  const first = new RedirectedRequest(new MountedRequest(whole, 3), '/x/y', '');
  const second = new RedirectedRequest(new MountedRequest(first, 2), '/z', '');
  expect([redirectBefore(new MountedRequest(second, 1)), second.redirects]).toEqual([second, 2]);
  expect(redirectBefore(new MountedRequest(whole, 3))).toBeUndefined();
});
