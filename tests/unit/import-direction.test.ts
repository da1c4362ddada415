import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { repository } from '../support/paths.js';
import { run } from '../support/process.js';
import { makeTempDir } from '../support/temp-dir.js';

/** Lints one file of a source tree under the repository's own configuration; what the rule says about it. */
async function lint(file: string, source: string): Promise<string[]> {
  const tree = makeTempDir();
  for (const shared of ['.oxlintrc.json', 'scripts']) {
    symlinkSync(path.join(repository, shared), path.join(tree, shared));
  }
  const absolute = path.join(tree, 'src', file);
  mkdirSync(path.dirname(absolute), { recursive: true });
  writeFileSync(absolute, source);
  const oxlint = path.join(repository, 'node_modules/oxlint/bin/oxlint');
  const result = await run(process.execPath, [oxlint, '--format', 'json', 'src'], { cwd: tree });
  const { diagnostics } = JSON.parse(result.stdout) as { diagnostics: { code: string; message: string }[] };
  return diagnostics.filter(({ code }) => code.startsWith('xgi')).map(({ message }) => message);
}

describe('the lint rule for the direction of imports', () => {
  test.each([
    ['http/range.ts', "export * from '../errors.js';"],
    ['server/http1/parser.ts', "export * from './limits.js'; export * from '../exchange.js';"],
    ['workers/pool.ts', "export * from '../wire/frames.js';"],
    ['cli/main.ts', "export * from '../server/server.js';"],
    ['index.ts', "export * from './handlers/wsgi.js';"],
  ])('allows: %s', async (file, source) => {
    expect(await lint(file, source)).toEqual([]);
  });

  test.each([
    ['http/range.ts', "export * from '../workers/pool.js';", 'src/http must not import src/workers'],
    [
      'wire/frames.ts',
      "import type { A } from '../http/a.js'; export type B = A;",
      'src/wire must not import src/http',
    ],
    [
      'server/http1/k.ts',
      "export * from '../../handlers/wsgi.js';",
      'src/server must not import src/handlers',
    ],
    ['workers/pool.ts', "export const a = () => import('../cli/main.js');", 'nothing may import src/cli'],
    ['errors.ts', "export * from './http/date.js';", 'src/errors must not import src/http'],
    ['novel/a.ts', "export * from '../http/date.js';", 'src/novel must not import src/http'],
    ['server/a.ts', "export * from '../../bench/b.js';", '../../bench/b.js leaves src/'],
  ])('refuses: %s', async (file, source, message) => {
    expect(await lint(file, source)).toEqual([expect.stringContaining(message)]);
  });
});
