import { symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ConfigFile, findConfigFile, formatPath, loadConfigFile } from '../../../src/config/file.js';
import { importModule } from '../../../src/config/file-module.js';
import { BootError, ConfigError } from '../../../src/errors.js';
import { importXgi } from '../../../src/service/load-module.js';
import { makeTempDir } from '../../support/temp-dir.js';

const folder = makeTempDir();

function load(name: string, text: string): Promise<ConfigFile> {
  writeFileSync(path.join(folder, name), text);
  return loadConfigFile(path.join(folder, name), folder, importXgi);
}

async function failure(name: string, text: string): Promise<string> {
  const error: unknown = await load(name, text).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ConfigError);
  return (error as ConfigError).message;
}

describe('the same settings in each format', () => {
  const expected = { target: 'app:app', workers: 2, env: { A: 'b' } };
  test.each([
    ['a.yaml', 'target: app:app\nworkers: 2\nenv:\n  A: b\n'],
    ['a.yml', '{target: "app:app", workers: 2, env: {A: b}}\n'],
    ['a.json', '{\n\t"target": "app:app",\n\t"workers": 2,\n\t"env": { "A": "b" }\n}\n'],
    ['a.js', 'export default { target: "app:app", workers: 2, env: { A: "b" } };\n'],
    [
      'a.mjs',
      'const workers = await Promise.resolve(2);\nexport default { target: "app:app", workers, env: { A: "b" } };\n',
    ],
    [
      'a.ts',
      "import { defineConfig } from 'xgi';\nconst workers: number = 2;\nexport default defineConfig({ target: 'app:app', workers, env: { A: 'b' } });\n",
    ],
  ])('%s', async (name, text) => {
    expect((await load(name, text)).settings).toEqual(expected);
  });
});

describe('a file that cannot be read as one of its format: the place, the line and a caret', () => {
  test.each([
    ['b.yaml', 'workers: 2\nbind: [":1"\n', 'b.yaml:3:1: Flow sequence'],
    [
      'b.yaml',
      'workers: 2\nworkers: 3\n',
      'b.yaml:2:1: workers is there twice\n\n    2 | workers: 3\n      | ^',
    ],
    ['b.yaml', 'workers: !!js/function 3\n', 'b.yaml:1:10: Unresolved tag'],
    ['b.yaml', 'a: 1\nb: *none\n', 'b.yaml:2:4: there is no anchor &none before this alias'],
    ['b.yaml', 'a: *late\nb: &late 1\n', 'b.yaml:1:4: there is no anchor &late'],
    ['b.yaml', 'env:\n  1: a\n  "1": b\n', 'b.yaml:3:3: 1 is there twice'],
    ['b.yaml', '? [a]\n: b\n', 'b.yaml:1:3: expected the name of a setting'],
    ['b.yaml', 'a: 1\n---\nb: 2\n', 'b.yaml:2:1: expected one document, and here another begins'],
    ['b.yaml', `a: ${'['.repeat(5000)}`, 'it is nested too deeply'],
    ['b.json', `{"a":${'['.repeat(60)}${']'.repeat(60)}}`, ': it is nested more than 50 deep'],
    ['b.yaml', 'env: &a\n  A: *a\n', 'b.yaml:2:6: env.A: it is inside of itself'],
    ['b.yaml', 'env:\n  __proto__: a\n', 'b.yaml:2:3: env.__proto__: nothing can have this name'],
    ['b.json', '{"__proto__": {}}', 'b.json:1:2: __proto__: nothing can have this name'],
    [
      'b.json',
      '{"workers": 2,,}',
      'b.json:1:15: Unexpected , in flow map\n\n    1 | {"workers": 2,,}\n      |               ^',
    ],
    [
      'b.ts',
      'export default {\n  workers: 2,,\n};\n',
      'b.ts:2:14: Unexpected token\n\n    2 |   workers: 2,,\n      |              ^',
    ],
    [
      'b.js',
      'throw new Error("no database");\n',
      'b.js:1:7: it cannot be loaded: no database\n\n    1 | throw new Error("no database");\n      |       ^',
    ],
    ['b.js', 'export const a = 1;\n', 'b.js: expected a default export'],
    ['b.yaml', '', 'b.yaml: expected an object of settings, received nothing'],
    ['b.json', '[1]', 'b.json:1:1: expected an object of settings, received [1]'],
    ['b.ts', 'export default null;', 'b.ts:1:16: expected an object of settings, received nothing'],
    ['b.ts', 'export default () => ({});', 'received a function: export what it returns'],
    ['b.ts', 'export default Promise.resolve({});', 'received a promise: export what it resolves to'],
    ['b.ts', 'export default new Map();', 'received an object of a class of its own'],
    ['b.ts', 'export default Object.create({ target: "a" });', 'received an object of a class of its own'],
    ['b.ts', 'const a: any = {}; a.b = [a]; export default a;', 'b.ts:1:16: b[0]: it is inside of itself'],
    [
      'b.ts',
      'export default { get a() { throw new Error("no"); } };',
      'its settings cannot be read: Error: no',
    ],
    ['b.ts', 'throw Object.create(null);', 'it cannot be loaded: [Object: null prototype]'],
    ['b.ts', 'Promise.reject(new Error("later")); export default {};', 'it cannot be loaded: later'],
    ['b.py', 'workers = 2\n', '--config: b.py is Python'],
    ['b.toml', '', '--config: expected a file that ends in .ts'],
  ])('%s: %j', async (name, text, message) => {
    expect(await failure(name, text)).toContain(message);
  });

  test('an alias bomb is no more than an error', async () => {
    const levels = Array.from({ length: 12 }, (_, i) =>
      i === 0
        ? 'l0: &l0 [x]'
        : `l${i}: &l${i} [${Array.from({ length: 10 }, () => `*l${i - 1}`).join(', ')}]`,
    );
    expect(await failure('bomb.yaml', `${levels.join('\n')}\n`)).toContain(
      'its aliases, written out, would be too large',
    );
  });

  test('a file that is not there', async () => {
    await expect(loadConfigFile(path.join(folder, 'none.yaml'), folder, importXgi)).rejects.toThrow(
      '--config: expected a file that ends in .ts, .js, .mjs, .yaml, .yml or .json, received "none.yaml": there is no such file',
    );
  });
});

describe('where a setting stands', () => {
  test.each([
    [['workers'], 'value', 'c.yaml:1:10: workers'],
    [['workers'], 'key', 'c.yaml:1:1: workers'],
    [['bind', 1], 'value', 'c.yaml:4:5: bind[1]'],
    [['apps', 'my shop', 'env', 'A'], 'value', 'c.yaml:8:10: apps["my shop"].env.A'],
    [['apps', 'my shop', 'missing'], 'value', 'c.yaml:7:5: apps["my shop"].missing'],
    [['none'], 'value', 'c.yaml:1:1: none'],
  ] as const)('%j, its %s', async (at, what, name) => {
    const text = 'workers: 2\nbind:\n  - :1\n  - :2\napps:\n  my shop:\n    env:\n      A: b\n';
    expect((await load('c.yaml', text)).nameOf(at, what)).toBe(name);
  });

  test.each([
    [['workers'], 'value', 'c.ts:8:12: workers'],
    [['workers'], 'key', 'c.ts:8:3: workers'],
    [['apps', 'shop', 'env', 'A'], 'value', 'c.ts:2:39: apps.shop.env.A'],
    [['routes', 1, 'app'], 'value', 'c.ts:11:12: routes[1].app'],
    [['routes', 1, 'path'], 'value', 'c.ts:11:5: routes[1].path'],
    [['none'], 'value', 'c.ts:6:29: none'],
  ] as const)('of a module: %j, its %s', async (at, what, name) => {
    const text = [
      "import { defineConfig } from 'xgi';",
      "const shop = { target: 'a', env: { A: 'b' } };",
      '/* workers: 1, */',
      'const apps: Record<string, { target: string }> = { shop };',
      '',
      'export default defineConfig({',
      '  // workers: 2,',
      '  workers: 3,',
      '  apps, routes: [',
      "    { app: 'shop' },",
      "    { app: 'shpo' },",
      '  ],',
      '});',
      '',
    ].join('\n');
    expect((await load('c.ts', text)).nameOf(at, what)).toBe(name);
  });
});

test.each([
  ['of a byte order mark, nothing is seen', '\ufeffworkers: 1\n', 'f.yaml:1:1: workers'],
  ['with CR LF', 'a: 1\r\nworkers: 1\r\n', 'f.yaml:2:1: workers'],
])('%s', async (_, text, name) => {
  expect((await load('f.yaml', text)).nameOf(['workers'], 'key')).toBe(name);
});

test('of what a module throws, the frames are its own', async () => {
  const text = 'const fail = (): void => {\n  throw new Error("no");\n};\nfail();\nexport default {};\n';
  const error: unknown = await load('g.ts', text).catch((reason: unknown) => reason);
  const { detail } = error as ConfigError;
  const file = path.join(folder, 'g.ts');
  expect(detail).toBe(`Error: no\n    at fail (${file}:2:9)\n    at ${file}:4:1`);
});

describe('middleware that a module makes: where it is called, without its options, which may be secrets', () => {
  test.each([
    [
      "rateLimit({ limit: 'many' })",
      'k.ts:3:12: rateLimit.limit: expected a whole number from 1 to 1000000000, received "many"\n\n    3 |   rateLimit(…\n      |            ^',
    ],
    ['rateLimit({ limt: 5 } as never)', 'k.ts:3:12: rateLimit: there is no option limt'],
    [
      "bearer({ secret: 'hunter2'.repeat(9) }), rateLimit({ limit: 'many' })",
      'k.ts:3:53: rateLimit.limit: expected a whole number from 1 to 1000000000, received "many"\n\n    3 |   bearer(…\n      |          ^',
    ],
    ["bearer({ secret: 'hunter2' })", 'k.ts:3:9: bearer.secret: expected a secret of at least 32 bytes'],
    [
      "errorPages({ pages: { 404: './none.html' } })",
      'k.ts:3:13: errorPages.pages["404"]: expected the path',
    ],
  ])('%s', async (call, message) => {
    const text = `import { bearer, errorPages, rateLimit } from 'xgi';\nexport default { middleware: [\n  ${call},\n] };\n`;
    const told = await failure('k.ts', text);
    expect(told).toContain(message);
    expect(told).not.toContain('hunter2');
  });
});

test('a module that never ends', async () => {
  const source = 'await new Promise(() => {});\nexport default {};\n';
  const file = path.join(folder, 'h.ts');
  writeFileSync(file, source);
  await expect(importModule({ file, name: 'h.ts', source, hide: () => {} }, importXgi, 200)).rejects.toThrow(
    'h.ts: it cannot be loaded: it has not ended within 0.2 s: what it awaits does not come',
  );
});

test('a CommonJS module', async () => {
  expect((await load('i.js', 'module.exports = { workers: 1 };')).settings).toEqual({ workers: 1 });
});

test('an error about another file, or of another kind, stays as it is', async () => {
  const { explain } = await load('d.yaml', 'a: 1\n');
  const others = [
    new ConfigError('XGI_CONFIG_VALUE', 'other.yaml:1:1: wrong'),
    new ConfigError('XGI_CONFIG_VALUE', 'd.yaml: wrong'),
    new Error('d.yaml:1:1: wrong'),
    'd.yaml:1:1: wrong',
  ];
  for (const error of others) expect(explain(error)).toBe(error);
});

test('what a start finds out is of the same kind, and has its detail', async () => {
  const error = new BootError('XGI_MIDDLEWARE_LOAD', 'd.yaml:1:4: wrong', { detail: 'a stack' });
  const explained = (await load('d.yaml', 'a: 1\n')).explain(error);
  expect(explained).toBeInstanceOf(BootError);
  expect(explained).toMatchObject({
    code: 'XGI_MIDDLEWARE_LOAD',
    message: 'd.yaml:1:4: wrong\n\n    1 | a: 1\n      |    ^',
    detail: 'a stack',
  });
});

test('a module that is imported and is not there: by whom, and nothing of the loader', async () => {
  const error: unknown = await load('j.ts', "import './none.ts';\nexport default {};\n").catch(
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({
    message: `j.ts: it cannot be loaded: there is no module "./none.ts", which ${path.join(folder, 'j.ts')} imports`,
    detail: undefined,
  });
});

test('a module that is imported and cannot be parsed: its line', async () => {
  const part = path.join(folder, 'part.ts');
  writeFileSync(part, 'export const a: = 1;\n');
  const error: unknown = await load('k.ts', "export { a as default } from './part.ts';\n").catch(
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({
    message: 'k.ts: it cannot be loaded: part.ts:1:17: Unexpected token',
    detail: `${part}:1:17\n    1 | export const a: = 1;\n      |                 ^`,
  });
});

test('a change of what a module imports is seen by the next load', async () => {
  writeFileSync(path.join(folder, 'number.ts'), 'export const workers: number = 1;\n');
  const text = "import { workers } from './number';\nexport default { workers };\n";
  expect((await load('e.ts', text)).settings).toEqual({ workers: 1 });
  writeFileSync(path.join(folder, 'number.ts'), 'export const workers: number = 2;\n');
  expect((await load('e.ts', text)).settings).toEqual({ workers: 2 });
});

test('the one in a folder; two of them are one too many', () => {
  const other = makeTempDir();
  expect(findConfigFile(other)).toBeUndefined();
  writeFileSync(path.join(other, 'xgi.config.yaml'), '');
  expect(findConfigFile(other)).toBe(path.join(other, 'xgi.config.yaml'));
  writeFileSync(path.join(other, 'xgi.config.ts'), '');
  expect(() => findConfigFile(other)).toThrow('xgi.config.ts and xgi.config.yaml are both in');
});

test('a link that leads nowhere is found: nobody wants to start without the settings', () => {
  const other = makeTempDir();
  symlinkSync('nowhere', path.join(other, 'xgi.config.yaml'));
  expect(findConfigFile(other)).toBe(path.join(other, 'xgi.config.yaml'));
});

test('paths of settings', () => {
  expect(formatPath(['routes', 2, 'headers', 'x-a'])).toBe('routes[2].headers.x-a');
});
