/** `xgi.config.*`: the settings of a run, in a file. */
import { mkdirSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { ask, hear, Project, sayingApp } from '../support/cli-project.js';
import { killAllIn, spawnXgi, startXgi } from '../support/xgi.js';

let project: Project;

afterEach(() => killAllIn(project.directory));

async function fail(args: readonly string[] = []): Promise<{ code: number | null; stderr: string }> {
  const program = spawnXgi(args, { cwd: project.directory });
  const { code } = await program.exited;
  return { code, stderr: program.stderr };
}

test.each([
  ['xgi.config.yaml', 'target: app:app\nbind: ["127.0.0.1:0"]\nworkers: 1\nenv:\n  GREETING: hello\n'],
  [
    'xgi.config.json',
    '{"target": "app:app", "bind": ["127.0.0.1:0"], "workers": 1, "env": ["GREETING=hello"]}',
  ],
  [
    'xgi.config.ts',
    "import { defineConfig } from 'xgi';\nexport default defineConfig({ target: 'app:app', bind: ['127.0.0.1:0'], workers: 1, env: { GREETING: 'hello' } });\n",
  ],
])('%s of the working directory is found', async (name, text) => {
  project = new Project();
  project.write(name, text);
  const server = await startXgi(['-b', '127.0.0.1:0'], { cwd: project.directory });
  expect((await ask(server.origin)).env['GREETING']).toBe('hello');
});

test('a file elsewhere: relative paths are relative to it; flags and XGI_CMD_ARGS win', async () => {
  project = new Project();
  mkdirSync(project.file('site'));
  project.write('site/shop.py', sayingApp('shop'));
  project.write('site/other.yaml', 'target: shop:app\nbind: ["127.0.0.1:1"]\nworkers: 0\n');
  const server = await startXgi(['-c', 'site/other.yaml'], {
    cwd: project.directory,
    env: { XGI_CMD_ARGS: '-w 1' },
  });
  expect(await hear(server.origin)).toBe('shop');
});

test('variables of settings win over the file, and lose to XGI_CMD_ARGS and flags; the application does not see them', async () => {
  project = new Project();
  project.write(
    'xgi.config.yaml',
    'target: app:app\nbind: ["127.0.0.1:1"]\nworkers: 1\nenv: { GREETING: hello }\n',
  );
  const server = await startXgi([], {
    cwd: project.directory,
    env: { XGI_BIND: '127.0.0.1:2', XGI_ENV: `'GREETING=good day'`, XGI_WORKERS: '2', XGI_CMD_ARGS: '-w 1' },
  });
  const { env } = await ask(server.origin);
  expect(env['GREETING']).toBe('good day');
  expect(Object.keys(env).filter((name) => name.startsWith('XGI_'))).toEqual([]);
});

test('a variable that cannot be used is named', async () => {
  project = new Project();
  const program = spawnXgi(['app:app'], { cwd: project.directory, env: { XGI_TIMEOUT: 'soon' } });
  expect((await program.exited).code).toBe(2);
  expect(program.stderr).toContain('XGI_CONFIG_VALUE: the variable XGI_TIMEOUT: expected seconds');
});

test('--config none: the file is not read', async () => {
  project = new Project();
  project.write('xgi.config.yaml', 'not: [a setting\n');
  const server = await startXgi(['--config', 'none', 'app:app', '-w', '1'], { cwd: project.directory });
  expect((await ask(server.origin)).scheme).toBe('http');
});

test('a wrong value: place, line and caret; exit status 2', async () => {
  project = new Project();
  project.write('xgi.config.yaml', 'target: app:app\nworkers: many\n');
  expect(await fail()).toEqual({
    code: 2,
    stderr:
      'xgi: XGI_CONFIG_VALUE: xgi.config.yaml:2:10: workers: expected a whole number from 1 to 1024, or MIN..MAX, received "many"\n' +
      '\n' +
      '    2 | workers: many\n' +
      '      |          ^\n',
  });
});

test('a value that is found to be wrong later', async () => {
  project = new Project();
  project.write('xgi.config.yaml', 'target: app:app\npid: none/x.pid\n');
  const { code, stderr } = await fail();
  expect(code).toBe(2);
  expect(stderr).toContain('xgi.config.yaml:2:6: pid: expected a file in a folder that exists');
  expect(stderr).toContain('    2 | pid: none/x.pid\n      |      ^\n');
});

test.each([
  ['kind: static, target: ', './fils', 'target: expected a folder of files, received "./fils"'],
  ['kind: cgi, target: ', './nothing', 'target: expected a folder of CGI programs, or one program'],
  ['kind: app, target: ', './no.ts', 'target: expected a TypeScript or JavaScript file'],
  ['target: ', './a b', 'target: expected MODULE:CALLABLE, '],
  ['target: app:app, python: ', 'no/python', 'python: expected a Python 3.8 or later'],
])('of an application, where it stands: %s%s', async (before, wrong, message) => {
  project = new Project();
  const line = `  it: { ${before}${wrong} }`;
  project.write('xgi.config.yaml', `apps:\n${line}\nroutes: [{ app: it }]\n`);
  const { code, stderr } = await fail(['check']);
  expect(code).toBe(2);
  const at = line.indexOf(wrong);
  expect(stderr).toContain(`: xgi.config.yaml:2:${at + 1}: apps.it.${message}`);
  expect(stderr).toContain(`    2 | ${line}\n      | ${' '.repeat(at)}^\n`);
});

test.each([
  ['bind: ":8080"', 'bind: expected a list of addresses, received ":8080"; did you mean [":8080"]?'],
  ['umask: 027', 'umask: expected an octal number from 0 to 777, received 27; put it in quotes'],
  [
    'forwardedAllowIps: [10.0.0.1, "::1"]',
    'forwardedAllowIps: expected addresses or ranges, separated by commas, received ["10.0.0.1","::1"]; did you mean "10.0.0.1,::1"?',
  ],
])('of a type that is easily taken for the right one: %s', async (line, message) => {
  project = new Project();
  project.write('xgi.config.yaml', `target: app:app\n${line}\n`);
  expect((await fail()).stderr).toContain(`${message}\n`);
});

test('a wrong name in an object of entries: the whole entry', async () => {
  project = new Project();
  project.write('xgi.config.yaml', 'target: ./cgi-bin\ncgiInterpreter:\n  pl: /usr/bin/perl\n');
  expect((await fail()).stderr).toContain(
    'cgiInterpreter.pl: expected .ENDING=INTERPRETER, for example .pl=/usr/bin/perl, received "pl=/usr/bin/perl"\n',
  );
});

test('a key that does not exist: the nearest', async () => {
  project = new Project();
  project.write('xgi.config.yaml', 'target: app:app\nwrokers: 2\n');
  expect((await fail()).stderr).toContain(
    'XGI_CONFIG_KEY: xgi.config.yaml:2:1: wrokers: there is no such setting; did you mean workers?\n\n    2 | wrokers: 2\n      | ^\n',
  );
});

test('of a module: the line and a caret too', async () => {
  project = new Project();
  project.write('xgi.config.ts', "export default {\n  target: 'app:app',\n  env: { A: [1] },\n};\n");
  expect((await fail()).stderr).toBe(
    'xgi: XGI_CONFIG_VALUE: xgi.config.ts:3:13: env.A: expected text, or a number, received [1]\n\n' +
      '    3 |   env: { A: [1] },\n      |             ^\n',
  );
});

test('of a module whose settings are computed: where they come from, and the path', async () => {
  project = new Project();
  project.write(
    'xgi.config.ts',
    "import { env } from './env.ts';\nexport default { target: 'app:app', env: env(1) };\n",
  );
  project.write('env.ts', 'export const env = (a: number) => ({ A: [a] });\n');
  expect((await fail()).stderr).toContain(
    "xgi.config.ts:2:42: env.A: expected text, or a number, received [1]\n\n    2 | export default { target: 'app:app', env: env(1) };\n      |                                          ^\n",
  );
});

test('a file that does not say what is served', async () => {
  project = new Project();
  project.write('xgi.config.yaml', 'workers: 1\n');
  expect(await fail()).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('no TARGET given') as string,
  });
});
