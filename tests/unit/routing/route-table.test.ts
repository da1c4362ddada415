import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RouteTable } from '../../../src/routing/route-table.js';
import { newMatched, newRule, type WrittenRequest, type WrittenRule } from './rules.js';

/** Each route is its own target. */
function tableOf<T extends WrittenRule>(rules: readonly T[]): RouteTable<T> {
  return new RouteTable(rules.map((rule) => [newRule(rule), rule]));
}

function find(rules: readonly WrittenRule[], request: WrittenRequest): WrittenRule | undefined {
  return tableOf(rules).match(newMatched(request))?.target;
}

describe('paths', () => {
  const rules = [
    '/',
    '/shop',
    '/shop/admin',
    '/users/:id',
    '/users/me',
    '/users/:id/edit',
    '/files/*',
    '/t/:name/*',
    '/end$',
    '/end/$',
  ].map((path) => ({ path }));
  test.each([
    ['/', '/'],
    ['/else', '/'],
    ['*', '/'],
    ['//shop', '/'],
    ['/shop', '/shop'],
    ['/shop/', '/shop'],
    ['/shop/cart', '/shop'],
    ['/shopping', '/'],
    ['/SHOP', '/'],
    ['/sh%6fp/cart', '/shop'],
    ['/shop/%61dmin/x', '/shop/admin'],
    ['/users/7', '/users/:id'],
    ['/users/me', '/users/me'],
    ['/users/me/edit', '/users/me'],
    ['/users/7/edit', '/users/:id/edit'],
    ['/users/7/else', '/'],
    ['/users/7/', '/'],
    ['/users/', '/'],
    ['/files', '/'],
    ['/files/', '/files/*'],
    ['/files/a/b', '/files/*'],
    ['/t/acme/x', '/t/:name/*'],
    ['/t/acme', '/'],
    ['/end', '/end$'],
    ['/%65nd', '/end$'],
    ['/end/', '/end/$'],
    ['/end/x', '/'],
    ['/ends', '/'],
    ['/end$', '/'],
  ])('%s goes to %s', (path, target) => expect(find(rules, { path })).toEqual({ path: target }));

  test.each(['/', '/*'])('/$ takes / before %s does, and nothing else', (other) => {
    const two = [{ path: other }, { path: '/$' }];
    expect(find(two, { path: '/' })).toBe(two[1]);
    for (const path of ['//', '/x', '/x/']) expect(find(two, { path })).toBe(two[0]);
    // OPTIONS *
    expect(find([{ path: '/$' }], { path: '*' })).toBeUndefined();
  });

  test('of what a mount has left nothing of, what takes every path takes it', () => {
    const two = [{ path: '/x' }, { path: '/' }];
    expect(find(two, { path: '' })).toBe(two[1]);
    expect(find([{ path: '/$' }, { path: '/*' }], { path: '' })).toBeUndefined();
  });

  test('it goes back where a more specific way ends in nothing', () => {
    const two = [{ path: '/a/b/:c/d' }, { path: '/a/:b/:c/e' }];
    expect(find(two, { path: '/a/b/1/e' })).toBe(two[1]);
  });

  test.each([
    ['/shop%2fadmin', 404],
    ['/shop/../admin', 400],
    ['/%2e%2e/admin', 400],
    ['/shop\\admin', 404],
    ['/%00', 400],
    ['/%zz', 400],
  ])('%s is refused with %d: it could mean another to whoever reads it next', (path, status) => {
    expect(() => find(rules, { path })).toThrow(expect.objectContaining({ status, code: 'XGI_ROUTE_PATH' }));
  });

  test('where no route has a path, none is refused', () => {
    const any = [{ host: 'example.org' }];
    expect(find(any, { path: '/a%2fb/../c' })).toBe(any[0]);
  });
});

describe('hosts', () => {
  const rules = [
    {},
    { host: '*.org' },
    { host: '*.example.org' },
    { host: 'www.example.org' },
    { host: 'www.example.org', path: '/only' },
    { host: '[::1]' },
  ];
  test.each([
    ['www.example.org', '/', 3],
    ['WWW.Example.org:8000', '/', 3],
    ['www.example.org.', '/only/this', 4],
    ['shop.example.org', '/only', 2],
    ['a.b.example.org', '/', 2],
    ['example.org', '/', 1],
    ['.example.org', '/', 1],
    ['org', '/', 0],
    ['', '/', 0],
    ['[::1]:80', '/', 5],
    ['__proto__', '/', 0],
  ])('%s%s goes to number %d', (host, path, index) => expect(find(rules, { host, path })).toBe(rules[index]));

  test('a route of a less specific host takes what the others do not', () => {
    const two = [{ host: 'a.org', path: '/shop' }, { path: '/shop' }, { path: '/about' }];
    expect(find(two, { host: 'a.org', path: '/about' })).toBe(two[2]);
  });
});

describe('methods and fields', () => {
  const rules: WrittenRule[] = [
    { path: '/a' },
    { path: '/a', fields: [['x-beta', null]] },
    { path: '/a', methods: ['POST'] },
    { path: '/a', methods: ['POST'], fields: [['x-beta', '1']] },
    { path: '/b', methods: ['POST'] },
  ];
  test.each([
    ['GET', '/a', {}, 0],
    ['GET', '/a', { 'x-beta': 'any' }, 1],
    ['POST', '/a', {}, 2],
    ['POST', '/a', { 'x-beta': '2' }, 2],
    ['POST', '/a', { 'x-beta': '1' }, 3],
    ['POST', '/b', {}, 4],
    ['GET', '/b', {}, undefined],
  ])('%s %s %j', (method, path, fields, index) => {
    expect(find(rules, { method, path, fields })).toBe(index === undefined ? undefined : rules[index]);
  });
});

test('nothing matches: undefined', () => {
  expect(find([], { path: '/' })).toBeUndefined();
  expect(find([{ path: '/a' }], { path: '/b' })).toBeUndefined();
});

test.each([
  ['/', '/a/b', 0],
  ['/a', '/a', 2],
  ['/a', '/a/b', 2],
  ['/a', '/%61/b', 4],
  ['/a/b', '/a/b/', 4],
  ['/a/*', '/a/', 2],
  ['/t/:name/*', '/t/acme/x/y', 7],
  ['/users/:id', '/users/7', 0],
])('the mount of %s in %s', (path, requested, length) => {
  expect(tableOf([{ path }]).match(newMatched({ path: requested }))?.mountLength).toBe(length);
});

describe('the same as a matcher that looks at every rule', () => {
  const segment = fc.constantFrom('a', 'b', 'c');
  const path = fc
    .tuple(
      fc.array(fc.oneof(segment, fc.constantFrom(':x')), { maxLength: 4 }),
      fc.constantFrom('', '*', '$', '/$'),
    )
    .map(([parts, end]) => {
      const named = parts.map((part, i) => (part === ':x' ? `:x${i}` : part));
      const last = end === '*' ? ['*'] : end === '/$' ? [''] : [];
      return `/${[...named, ...last].join('/')}${end.endsWith('$') ? '$' : ''}`;
    });
  const rule: fc.Arbitrary<WrittenRule> = fc.record(
    {
      path,
      host: fc.constantFrom('a.org', 'b.a.org', '*.org', '*.a.org'),
      methods: fc.constantFrom(['GET'], ['POST', 'PUT']),
      fields: fc.constantFrom<WrittenRule['fields'][]>(
        [['x', '1']],
        [['x', null]],
        [
          ['x', '1'],
          ['y', null],
        ],
      ),
    },
    { requiredKeys: [] },
  ) as fc.Arbitrary<WrittenRule>;
  const request = fc.record({
    host: fc.constantFrom('a.org', 'b.a.org', 'c.b.a.org', 'org', 'A.org:80', 'other'),
    path: fc
      .array(fc.oneof(segment, fc.constantFrom('', '%61')), { maxLength: 5 })
      .map((parts) => `/${parts.join('/')}`),
    method: fc.constantFrom('GET', 'POST'),
    fields: fc.constantFrom<Record<string, string>>({}, { x: '1' }, { x: '2', y: '' }),
  });

  test('for any rules and requests', () => {
    fc.assert(
      fc.property(
        fc.array(rule, { maxLength: 12 }),
        fc.array(request, { minLength: 1, maxLength: 8 }),
        (rules, requests) => {
          const table = tableOf(rules);
          for (const each of requests)
            expect(table.match(newMatched(each))?.target).toBe(findNaively(rules, each));
        },
      ),
      { numRuns: 2000 },
    );
  });
});

test('the routes are listed in the order in which they are tried', () => {
  const rules = [{}, { path: '/a/*' }, { path: '/a' }, { path: '/:x' }, { path: '/a/b' }, { host: '*.org' }];
  const more = [{ host: 'a.org', path: '/z' }, { host: '*.a.org' }, { path: '/a', methods: ['GET'] }];
  const all: WrittenRule[] = [...rules, ...more];
  const listed = tableOf(all).routes.map(([, target]) => all.indexOf(target));
  expect(listed).toEqual([6, 7, 5, 4, 1, 8, 2, 3, 0]);
});

/** The rules of the module's header, read one after the other. */
function findNaively(rules: readonly WrittenRule[], request: WrittenRequest): WrittenRule | undefined {
  const host = request.host!.toLowerCase().replace(/:\d+$/, '');
  const parts = request.path.slice(1).replaceAll('%61', 'a').split('/');
  const ranked = rules
    .filter((rule) => {
      if (
        rule.host?.startsWith('*') === true &&
        !(host.endsWith(rule.host.slice(1)) && host.length > rule.host.length - 1)
      )
        return false;
      if (rule.host !== undefined && !rule.host.startsWith('*') && host !== rule.host) return false;
      if (rule.methods?.includes(request.method!) === false) return false;
      const fields = request.fields ?? {};
      if (
        (rule.fields ?? []).some(
          ([name, value]) => !(name in fields) || (value !== null && fields[name] !== value),
        )
      )
        return false;
      return pathTakes(rule.path ?? '/', parts);
    })
    .map((rule, index) => ({ rule, key: keyOf(rule), index }));
  ranked.sort((x, y) => (x.key < y.key ? -1 : x.key > y.key ? 1 : x.index - y.index));
  return ranked[0]?.rule;
}

function pathTakes(pattern: string, parts: readonly string[]): boolean {
  const hasEnd = pattern.endsWith('$');
  const wanted = pattern.slice(1).replace('$', '').split('/');
  const hasRest = wanted.at(-1) === '*';
  if (hasRest || (wanted.at(-1) === '' && !hasEnd)) wanted.pop();
  const begins = wanted.every((part, i) =>
    part.startsWith(':') ? (parts[i] ?? '') !== '' : part === parts[i],
  );
  if (!begins) return false;
  if (hasRest) return parts.length > wanted.length;
  return hasEnd || pattern.includes(':') ? parts.length === wanted.length : true;
}

/** Sorts the more specific first. */
function keyOf(rule: WrittenRule): string {
  const host = rule.host === undefined ? '9' : rule.host.startsWith('*') ? `5${99 - rule.host.length}` : '1';
  const hasEnd = rule.path?.endsWith('$') === true;
  const wanted = (rule.path ?? '/').slice(1).replace('$', '').split('/');
  // A prefix has an end that is after all; what is exact ends where the path does, and nothing else does.
  const kinds = wanted
    .map((part) =>
      part === '' ? (hasEnd ? '1' : '') : part === '*' ? '3' : part.startsWith(':') ? '2' : '1',
    )
    .join('');
  const end = hasEnd || kinds.endsWith('3') || (rule.path ?? '').includes(':') ? '' : '4';
  return `${host}|${`${kinds}${end}`.padEnd(8, '0')}|${rule.methods === undefined ? 1 : 0}|${9 - (rule.fields ?? []).length}`;
}
