import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ConfigFile, findConfigFile, formatPath, loadConfigFile } from '../../../src/config/file.js';
import { ConfigError } from '../../../src/errors.js';
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
      'b.yaml:2:1: Map keys must be unique\n\n    2 | workers: 3\n      | ^',
    ],
    ['b.yaml', 'workers: !!js/function 3\n', 'b.yaml:1:10: Unresolved tag'],
    ['b.yaml', 'workers: *none\n', 'Unresolved alias'],
    [
      'b.json',
      '{"workers": 2,,}',
      'b.json:1:15: Unexpected , in flow map\n\n    1 | {"workers": 2,,}\n      |               ^',
    ],
    [
      'b.ts',
      'export default {\n  workers: 2,,\n};\n',
      'b.ts:2:13: Unexpected token\n\n    2 |   workers: 2,,\n      |             ^',
    ],
    ['b.js', 'throw new Error("no database");\n', 'b.js: it cannot be loaded: no database'],
    ['b.js', 'export const a = 1;\n', 'b.js: expected a default export'],
    ['b.yaml', '', 'b.yaml: expected an object of settings, received null'],
    ['b.json', '[1]', 'b.json:1:1: expected an object of settings, received [1]'],
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
    expect(await failure('bomb.yaml', `${levels.join('\n')}\n`)).toContain('Excessive alias count');
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

  test('of a module, the file', async () => {
    const file = await load('c.ts', 'export default { routes: [] };');
    expect(file.nameOf(['routes', 2, 'app'])).toBe('c.ts: routes[2].app');
  });
});

test('an error about another file stays as it is', async () => {
  const error = new ConfigError('XGI_CONFIG_VALUE', 'other.yaml:1:1: wrong');
  expect((await load('d.yaml', 'a: 1\n')).explain(error)).toBe(error);
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

test('paths of settings', () => {
  expect(formatPath(['routes', 2, 'headers', 'x-a'])).toBe('routes[2].headers.x-a');
});
