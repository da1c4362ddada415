/** The TypeScript that the guide and the reference show compiles against the types that the package brings. */
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { repository } from '../support/paths.js';
import { run } from '../support/process.js';
import { makeTempDir, removeTempDir } from '../support/temp-dir.js';

const FOLDERS = ['docs/guide', 'docs/reference'];
const FENCE = /^```ts\n(.*?)^```$/gms;

interface Surroundings {
  readonly before: string;
  readonly after?: string;
}

/** What a page leaves out: a line of its code → what stands around it. */
const SURROUNDINGS: Readonly<Record<string, Surroundings>> = {
  'const bytes = await collectBody(': {
    before:
      "import { collectBody, deriveRequest, givenBody, type Middleware } from 'xgi';\nexport const read: Middleware = (next) => async (request) => {",
    after: '};',
  },
  'http.createServer(toNodeListener(shop));': {
    before: `import { wsgi } from 'xgi';
      import http from 'node:http';
      import express from 'express';
      import Fastify from 'fastify';
      import { H3 } from 'h3';
      import { Hono } from 'hono';
      const [shop, fastify, hono, h3] = [wsgi('shop.wsgi'), Fastify(), new Hono(), new H3()];`,
  },
  'const pool = createPool();': {
    before: 'declare function createPool(): { query(text: string): Promise<unknown>; end(): Promise<void> };',
  },
};

const directory = makeTempDir();
afterAll(() => removeTempDir(directory));

/** @returns page and number of each fence → its code */
function fences(): Map<string, string> {
  const found = new Map<string, string>();
  for (const folder of FOLDERS) {
    for (const page of readdirSync(path.join(repository, folder)).filter((name) => name.endsWith('.md'))) {
      const text = readFileSync(path.join(repository, folder, page), 'utf8');
      for (const [i, [, code]] of [...text.matchAll(FENCE)].entries())
        found.set(`${path.basename(folder)}-${page.slice(0, -3)}-${i + 1}.ts`, code!);
    }
  }
  return found;
}

test('each fence is a module that compiles', async () => {
  const project = path.join(directory, 'project');
  const modules = path.join(project, 'node_modules');
  mkdirSync(path.join(modules, '@types'), { recursive: true });
  symlinkSync(repository, path.join(modules, 'xgi'));
  for (const name of ['@types/express', '@types/node', 'express', 'fastify', 'h3', 'hono'])
    symlinkSync(path.join(repository, 'node_modules', name), path.join(modules, name));
  writeFileSync(path.join(project, 'package.json'), '{"type":"module","private":true}');
  const compilerOptions = {
    ...{ strict: true, noEmit: true, module: 'nodenext', target: 'esnext', types: ['node'] },
    ...{ skipLibCheck: true, moduleDetection: 'force' },
  };
  writeFileSync(path.join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions }));

  const unused = new Set(Object.keys(SURROUNDINGS));
  const codes = fences();
  for (const [name, code] of codes) {
    const line = Object.keys(SURROUNDINGS).find((begin) => code.includes(begin));
    const { before = '', after = '' } = line === undefined ? {} : SURROUNDINGS[line]!;
    if (line !== undefined) unused.delete(line);
    writeFileSync(path.join(project, name), `${before}\n${code}\n${after}\n`);
  }
  expect([...unused]).toEqual([]);
  expect(codes.size).toBeGreaterThan(13);

  const tsc = path.join(repository, 'node_modules/typescript/bin/tsc');
  const { code, stdout } = await run(process.execPath, [tsc, '-p', project], { cwd: project });
  expect([code, stdout]).toEqual([0, '']);
}, 60_000);
