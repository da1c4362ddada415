/** Stacks of modules that jiti has transpiled, from real files. Positions are where a `§` stood in the source. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createModuleLoader } from '../../../src/config/module-loader.js';
import { makeTempDir, removeTempDir } from '../../support/temp-dir.js';

let folder: string;

beforeAll(() => {
  folder = makeTempDir();
});

afterAll(() => removeTempDir(folder));

interface Written {
  readonly file: string;
  /** `file:line:column`, as it stands in stacks. */
  readonly places: readonly string[];
}

function write(name: string, marked: string): Written {
  const file = path.join(folder, name);
  const places: string[] = [];
  const lines = marked.split('\n').map((line, i) => {
    let text = line;
    for (let at = text.indexOf('§'); at !== -1; at = text.indexOf('§')) {
      text = text.replace('§', '');
      places.push(`${file}:${i + 1}:${at + 1}`);
    }
    return text;
  });
  writeFileSync(file, lines.join('\n'));
  return { file, places };
}

async function load<T>(file: string): Promise<T> {
  return (await createModuleLoader(file, {}).import<{ default: T }>(file)).default;
}

/** The places of the stack that are in the folder. */
function placesOf(thrown: unknown): string[] {
  const { stack } = thrown as Error;
  return stack!
    .split('\n')
    .flatMap((line) => /\/[^()]*:\d+:\d+/.exec(line) ?? [])
    .filter((place) => place.startsWith(folder));
}

async function fail(run: () => unknown): Promise<unknown> {
  try {
    await run();
  } catch (error) {
    return error;
  }
  throw new Error('it has not failed');
}

describe('a module that throws while it is loaded', () => {
  test.each([
    ['a.ts', 'throw §new Error("no");\n'],
    [
      'b.ts',
      'interface A { readonly a: string }\n\n// why\nconst a: A = { a: "b" }; if (a.a !== "") throw §new Error(a.a);\n',
    ],
    ['c.mts', 'type A = string;\nexport default 1 as unknown as A; throw §new Error("no");\n'],
    ['d.mjs', '\n\n  throw §new Error("no");\n'],
    ['e.js', 'throw §new Error("no");\n'],
    ['f.cjs', 'throw §new Error("no");\n'],
    ['g.ts', 'const a: string = await Promise.resolve("a");\n  throw §new Error(a);\n'],
  ])('%s', async (name, text) => {
    const { file, places } = write(name, text);
    expect(placesOf(await fail(() => load(file)))).toEqual(places);
  });

  test('in what it imports: both', async () => {
    const part = write(
      'part.ts',
      'interface A {}\nexport const fail = (a: A): never => { throw §new Error(String(a)); };\n',
    );
    const whole = write(
      'whole.ts',
      "import { fail } from './part.ts';\ntype A = 1; const a: A = 1;\nexport default §fail(a);\n",
    );
    // Of a call through an import, the place of its argument list or of its name: its line.
    const [thrown, called] = placesOf(await fail(() => load(whole.file)));
    expect(thrown).toBe(part.places[0]);
    expect(called).toMatch(new RegExp(`^${whole.file}:3:`));
  });
});

test('later: in a method, behind an await, in a timer; with the names of functions', async () => {
  const { file, places } = write(
    'later.ts',
    [
      'interface Options { readonly wait: number }',
      '',
      'class Later {',
      '  constructor(private readonly options: Options) {}',
      '  async run(): Promise<never> { await new Promise((r) => setTimeout(r, this.options.wait)); throw §new Error("late"); }',
      '}',
      'export default async (options: Options): Promise<void> => { const later: Later = new Later(options); await later.§run(); };',
      '',
    ].join('\n'),
  );
  const run = await load<(options: object) => Promise<void>>(file);
  const error = await fail(() => run({ wait: 1 }));
  expect(placesOf(error)[0]).toBe(places[0]);
  expect((error as Error).stack).toContain(`at Later.run (${places[0]})`);
});

test('a changed file, loaded again: the places of the new one', async () => {
  const { file } = write('changed.ts', 'throw §new Error("no");\n');
  await fail(() => load(file));
  const { places } = write('changed.ts', 'type A = 1;\n\n\n throw §new Error("no");\n');
  expect(placesOf(await fail(() => load(file)))).toEqual(places);
});

test('the first line of a stack is as Node has it', async () => {
  const { file, places } = write(
    'heads.ts',
    [
      'export default (what: string): unknown => {',
      '  if (what === "node") return §new URL("nowhere");',
      '  throw §new (class extends TypeError {})("typed");',
      '};',
      '',
    ].join('\n'),
  );
  const run = await load<(what: string) => unknown>(file);
  const stackOf = async (what: string): Promise<string> => ((await fail(() => run(what))) as Error).stack!;
  expect(await stackOf('node')).toMatch(/^TypeError(?: \[ERR_INVALID_URL\])?: Invalid URL\n    at /);
  expect(await stackOf('node')).toContain(places[0]);
  expect(await stackOf('other')).toMatch(/^TypeError: typed\n    at /);
});

describe('with another’s Error.prepareStackTrace', () => {
  const { prepareStackTrace } = Error;
  afterEach(() => {
    Error.prepareStackTrace = prepareStackTrace;
  });

  test('set afterwards, it has its way', async () => {
    const { file } = write('other.ts', 'export default (): never => { throw new Error("no"); };\n');
    const run = await load<() => never>(file);
    Error.prepareStackTrace = (_, frames) => frames.length;
    expect(((await fail(run)) as Error).stack).toBeTypeOf('number');
  });
});
