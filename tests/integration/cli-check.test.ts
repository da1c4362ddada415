/** `xgi check`, `xgi check --print` and `xgi routes`: what a configuration comes to, without serving. */
import { chmodSync, mkdirSync } from 'node:fs';
import { beforeEach, expect, test } from 'vitest';
import { parse } from 'yaml';
import { Project, sayingApp } from '../support/cli-project.js';
import { spawnXgi } from '../support/xgi.js';

const SITE = `
apps:
  shop: { target: shop:app, workers: 4, env: { PLACE: front } }
  tools: { target: ./cgi-bin }
routes:
  - { app: shop }
  - { path: /cgi-bin, method: [GET, POST], app: tools }
  - { host: "*.example.org", path: /users/:id, headers: { X-Beta: true }, redirect: https://example.org/* }
  - { path: /health, respond: { status: 204 } }
`;

let project: Project;

beforeEach(() => {
  project = new Project();
  project.write('shop.py', sayingApp('shop'));
  mkdirSync(project.file('cgi-bin'));
  chmodSync(project.write('cgi-bin/fine.cgi', '#!/bin/sh\n'), 0o755);
  project.write('xgi.config.yaml', SITE);
});

async function run(
  args: readonly string[],
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const program = spawnXgi([...args], { cwd: project.directory });
  const { code } = await program.exited;
  return { code, stdout: program.stdout, stderr: program.stderr };
}

/** The command is the first word: flags of the tests stand in front of it otherwise. */
function xgi(command: string, ...args: string[]) {
  return run([command, ...args]);
}

test('check: each application is loaded, in one worker', async () => {
  const { code, stdout, stderr } = await xgi('check');
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(
    /^xgi: shop: shop:app can be served \(\/.*\)\nxgi: tools: \.\/cgi-bin can be served \(\/.*\)\n$/,
  );
});

test('check: one that cannot be loaded is named; exit status 3', async () => {
  project.write('shop.py', 'raise ValueError("no database")\n');
  const { code, stderr } = await xgi('check');
  expect(code).toBe(3);
  expect(stderr).toContain('application shop: ');
  expect(stderr).toContain('ValueError: no database');
});

test('check: programs that could not be run are warned of', async () => {
  project.write('cgi-bin/report.pl', '#!/usr/bin/perl\n');
  project.write('cgi-bin/data.txt', 'no program\n');
  chmodSync(project.write('cgi-bin/windows.cgi', '#!/bin/sh\r\n'), 0o755);
  const { code, stdout } = await xgi('check');
  expect(code).toBe(0);
  const warnings = stdout.split('\n').filter((line) => line.startsWith('xgi: warning: '));
  expect(warnings).toHaveLength(2);
  expect(stdout).toMatch(/warning: XGI_CGI_\w+: .*report\.pl/);
  expect(stdout).toMatch(/warning: XGI_CGI_\w+: .*windows\.cgi/);
});

test('check: a file that is wrong, exit status 2', async () => {
  project.write('xgi.config.yaml', SITE.replace('workers', 'wrokers'));
  const { code, stderr } = await xgi('check');
  expect(code).toBe(2);
  expect(stderr).toContain('did you mean workers?');
});

test('check --print: what is used, defaults too, as YAML', async () => {
  const { code, stdout } = await xgi('check', '--print', '-b', '127.0.0.1:7');
  expect(code).toBe(0);
  expect(parse(stdout)).toMatchObject({
    endpoints: [{ kind: 'tcp', host: '127.0.0.1', port: 7 }],
    backlog: 2048,
    site: { apps: { shop: { target: 'shop:app', workers: { min: 4, max: 4 }, env: { PLACE: 'front' } } } },
  });
});

test('routes: in the order in which they are tried', async () => {
  expect(await xgi('routes')).toEqual({
    code: 0,
    stderr: '',
    stdout:
      '*.example.org  /users/:id  x-beta: any    → redirect 302 https://example.org/*\n' +
      'any host       /cgi-bin    GET,POST,HEAD  → tools: cgi ./cgi-bin\n' +
      'any host       /health                    → respond 204\n' +
      'any host       /                          → shop: wsgi shop:app\n',
  });
});

test('routes of one application', async () => {
  expect((await xgi('routes', '--config', 'none', 'shop:app')).stdout).toBe('any host  /  → wsgi shop:app\n');
});
