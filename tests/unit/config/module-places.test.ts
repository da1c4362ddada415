import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ModulePlaces } from '../../../src/config/module-places.js';

/** `line:column`, or what stands there. */
function placeOf(
  source: string,
  at: readonly (string | number)[],
  what: 'key' | 'value' = 'value',
): string | undefined {
  const position = new ModulePlaces(source).locate(at, what);
  if (position === undefined) return undefined;
  return source.split('\n')[position.line - 1]!.slice(position.column - 1);
}

describe('a setting is found', () => {
  test.each([
    ['in the object that is exported', 'export default { a: HERE };'],
    ['in defineConfig', 'export default defineConfig({ a: HERE });'],
    ['as CommonJS exports it', 'module.exports = { a: HERE };'],
    ['in a constant', 'const b = { a: HERE };\nexport default b;'],
    ['in a constant with a type', 'const b: { a?: number } = { a: HERE }\nexport default b'],
    ['in a constant that is exported, too', 'export const b = { a: HERE };\nexport default defineConfig(b);'],
    ['through a chain of constants', 'const c = { a: HERE };\nconst b = c;\nexport default b;'],
    ['behind satisfies', 'export default { a: HERE } satisfies UserConfig;'],
    ['in parentheses', 'export default ({ a: HERE });'],
    ['under a name in quotes', 'export default { "a": HERE };'],
    ['where it stands last', 'export default { a: 1, b: 2, a: HERE };'],
    ['beside a spread', 'export default { ...b, a: HERE };'],
    ['behind strings', `export default { b: '{ a: 1, \\' }', c: "// }", a: HERE };`],
    ['behind a template', 'export default { b: `a: 1, } ${c({ a: `}` })} }`, a: HERE };'],
    ['behind a regular expression', 'export default { b: /[/{]a: 1, "/.source, a: HERE };'],
    ['behind a division', 'export default { b: 4 / 2, a: HERE, c: 4 / 2 };'],
    ['behind comments', 'export default { /* a: 1, } */ b: 2, // a: 2, }\n a: HERE };'],
    ['behind a function', 'export default { b: (c, d) => { return { a: 1 }; }, a: HERE };'],
    ['behind letters of two units', 'export default { b: "😀", 𝒳: 1, a: HERE };'],
    ['not in another export', 'export const a = { a: 1 };\nexport default { a: HERE };'],
    [
      'not in a constant of a function',
      'function f() { const b = { a: 1 }; }\nconst b = { a: HERE };\nexport default b;',
    ],
  ])('%s', (_, source) => {
    expect(placeOf(source, ['a'])).toMatch(/^HERE/);
  });

  test.each([
    [['a', 1], 'export default { a: [1, HERE] };'],
    [['a', 1, 'b'], 'export default { a: [{ b: [1, 2] }, { b: HERE }] };'],
    [['a', 1], 'export default { a: [[1, 2], HERE,] };'],
    [['a', 'b-c', 0], 'const a = { "b-c": [HERE] };\nexport default { a };'],
  ])('%j in lists and objects', (at, source) => {
    expect(placeOf(source, at)).toMatch(/^HERE/);
  });
});

describe('what else makes a setting is its place', () => {
  test.each([
    ['a call', ['a', 2, 'b'], 'export default { a: makeRoutes(), b: 1 };', 'makeRoutes()'],
    ['a method of a list', ['a', 0], 'export default { a: [1, 2].map(f) };', '[1, 2].map'],
    ['a choice', ['a', 'b'], 'export default { a: c ? { b: 1 } : { b: 2 } };', 'c ?'],
    ['a spread', ['a'], 'export default { b: 1, ...shared };', '...shared'],
    ['a spread before an element', ['a', 1], 'export default { a: [...b, 1] };', '...b'],
    ['an import', ['a', 'b'], "import a from './a.js';\nexport default { a };", 'a };'],
    ['a variable that may change', ['a'], 'let b = { a: 1 };\nexport default b;', 'b;'],
    ['another function', ['a'], 'export default make({ a: 1 });', 'make('],
    ['constants in a circle', ['a'], 'const b = c;\nconst c = b;\nexport default b;', 'b;'],
    ['nothing: the parent is', ['a', 'b'], 'export default { a: { c: 1 } };', '{ c: 1'],
    ['an element too few: the list is', ['a', 3], 'export default { a: [1] };', '[1]'],
  ])('%s', (_, at, source, begins) => {
    expect(placeOf(source, at)?.startsWith(begins)).toBe(true);
  });
});

test('the place of a key', () => {
  expect(placeOf('export default { b: 1, wrokers: 2 };', ['wrokers'], 'key')).toMatch(/^wrokers/);
});

test.each([
  '',
  'const a = 1;',
  'export { a as default };',
  'export default',
  '`',
  '({[',
  '}',
  'export default { a: `${',
])('of %j, nothing is said, or no more than what is there', (source) => {
  expect(() => new ModulePlaces(source).locate(['a', 0], 'value')).not.toThrow();
});

test('a large file is read in one go', () => {
  const routes = Array.from({ length: 10_000 }, (_, i) => `    { path: '/p${i}', app: 'a' },\n`).join('');
  const places = new ModulePlaces(`export default {\n  routes: [\n${routes}  ],\n};\n`);
  for (let i = 0; i < 10_000; i += 100)
    expect(places.locate(['routes', i, 'app'], 'value')?.line).toBe(i + 3);
});

test('whatever is written out is found', () => {
  const settings = fc.object({
    key: fc.stringMatching(/^[a-z_ {}/'-]{1,6}$/),
    values: [fc.string(), fc.integer(), fc.boolean(), fc.constant('`${ // /* "')],
    maxDepth: 3,
  });
  fc.assert(
    fc.property(settings, (value) => {
      const source = `export default ${JSON.stringify(value, null, 1)};\n`;
      for (const [at, found] of leavesOf(value))
        expect(placeOf(source, at)?.startsWith(JSON.stringify(found))).toBe(true);
    }),
  );
});

/** The settings that are neither objects nor lists, and their paths. */
function leavesOf(value: unknown, at: readonly (string | number)[] = []): [(string | number)[], unknown][] {
  if (typeof value !== 'object' || value === null) return value === undefined ? [] : [[[...at], value]];
  const entries = Array.isArray(value) ? value.map((item, i) => [i, item] as const) : Object.entries(value);
  return entries.flatMap(([key, item]) => leavesOf(item, [...at, key]));
}
