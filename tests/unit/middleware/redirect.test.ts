import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../../src/errors.js';
import { redirect } from '../../../src/middleware/redirect.js';
import { RawClient } from '../../support/http-client.js';
import { startMiddleware, tell } from '../../support/middleware-site.js';

type Options = Parameters<typeof redirect>[0];

async function locationOf(options: Options, path: string, headers: Record<string, string> = {}) {
  const { url } = await startMiddleware([redirect(options)], tell, { trusted: '127.0.0.1' });
  const response = await fetch(`${url}${path}`, { redirect: 'manual', headers });
  await response.arrayBuffer();
  return response.status === 200 ? undefined : `${response.status} ${response.headers.get('location')}`;
}

describe('paths', () => {
  test.each([
    [{ '/old': '/new' }, '/old', '308 /new'],
    [{ '/old': '/new' }, '/old/', '308 /new'],
    [{ '/old': '/new/*' }, '/old/a/b?c=d', '308 /new/a/b?c=d'],
    [{ '/$': '/home' }, '/?a', '308 /home?a'],
    [{ '/$': '/home' }, '/home', undefined],
    [{ '/$': '/home', '/': '/all/*' }, '/x', '308 /all/x'],
    [{ '/$': '/home', '/': '/all/*' }, '/', '308 /home'],
    [{ '/$': '/home', '/*': '/all/*' }, '/', '308 /home'],
    [{ '/old$': '/new' }, '/old', '308 /new'],
    [{ '/old$': '/new' }, '/%6fld', '308 /new'],
    [{ '/old$': '/new' }, '/old/', undefined],
    [{ '/old$': '/new' }, '/old/x', undefined],
    [{ '/old/$': '/new' }, '/old/', '308 /new'],
    [{ '/old/$': '/new' }, '/old', undefined],
    [{ '/old/*': '/new/*' }, '/old', undefined],
    [{ '/old': '/new?from=old' }, '/old?c=d', '308 /new?from=old'],
    [{ '/old': '/new#part' }, '/old?c=d', '308 /new?c=d#part'],
    [{ '/old/*': '/new/*?from=old' }, '/old/a/b?c=d', '308 /new/a/b?from=old'],
    [{ '/old/*': '/new/*#top' }, '/old/a?c=d', '308 /new/a?c=d#top'],
    [{ '/old': '/new#what?' }, '/old?c=d', '308 /new?c=d#what?'],
    [{ '/users/:id': '/people/:id/home' }, '/users/7%2B8', '308 /people/7%2b8/home'],
    [{ '/users/:id': '/people/:id' }, '/users/7/x', undefined],
    [{ '/a/:x/:y': 'https://h.example:8443/:y/:x' }, '/a/1/2', '308 https://h.example:8443/2/1'],
    [{ '/%6fld': '/new' }, '/o%6Cd', '308 /new'],
    [{ '/': '/all', '/old': '/new' }, '/old', '308 /new'],
    // Two slashes at the front of a path are another host.
    [{ '/go/*': '/*' }, '/go//evil.example', '308 /evil.example'],
    // And so is a name that goes on.
    [{ '/old': 'https://new.example*' }, '/old/.evil.example/x', '308 https://new.example/.evil.example/x'],
    [{ '/old': 'https://new.example*' }, '/old', '308 https://new.example/'],
    [{ '/old': 'https://new.example?at=*' }, '/old/a', '308 https://new.example?at=a'],
  ] as const)('%j: %s', async (paths, path, location) => {
    expect(await locationOf({ paths }, path)).toBe(location);
  });

  test('a path that can be read in two ways is no way around', async () => {
    const { url } = await startMiddleware([redirect({ paths: { '/old': '/new' } })]);
    expect((await fetch(`${url}/a%2f..%2fold`)).status).toBe(404);
  });
});

describe('https and host', () => {
  test.each([
    [{ https: true }, {}, (at: string) => `308 https://${at}/a?b=c`],
    [{ https: true }, { 'X-Forwarded-Proto': 'https' }, () => undefined],
    [{ host: 'www.example.org' }, {}, () => '308 http://www.example.org/a?b=c'],
    [{ host: 'www.example.org', https: true, status: 301 }, {}, () => '301 https://www.example.org/a?b=c'],
  ] as const)('%j with %j', async (options, headers, expected) => {
    expect(await locationOf(options, '/a?b=c', headers as Record<string, string>)).toBe(
      expected('127.0.0.1'),
    );
  });

  test.each([
    ['www.example.org', 200],
    ['WWW.EXAMPLE.ORG', 200],
    ['example.org', 308],
  ])('Host: %s gets %d', async (host, status) => {
    const { port } = await startMiddleware([redirect({ host: 'www.example.org' })]);
    const client = await RawClient.connect(port);
    client.socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    await client.until(() => client.ended, 'the answer');
    expect(client.received).toContain(`HTTP/1.1 ${status}`);
  });
});

test.each([
  [{}, 'expected paths, https or host'],
  [{ paths: { old: '/new' } }, 'expected a path'],
  [{ paths: { '/old': 'new' } }, 'expected a URL'],
  [{ paths: { '/old': '//evil.example' } }, 'expected a URL'],
  [{ paths: { '/old': '/new/:id' } }, 'whose :id is in its path'],
  [
    { paths: { '/old/:id': '/new?id=:id' } },
    'expected a target in which :id stands right behind a slash, /:id',
  ],
  [{ paths: { '/old/:id': '/new/a-:id/:id' } }, 'expected a target in which :id stands right behind a slash'],
  [{ https: true, status: 200 }, 'one of 301'],
  [{ host: 'http://a' }, 'expected a host'],
  [{ host: 'WWW.example.org' }, 'expected a host in lower case'],
])('%j is refused', (options, message) => {
  expect(() => redirect(options as never)).toThrow(ConfigError);
  expect(() => redirect(options as never)).toThrow(message);
});
