/** Modules in TypeScript that throw, at the start, at a reload and at run time: the log and the shell show the place in their source. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hear, Project } from '../support/cli-project.js';
import { pollUntil } from '../support/poll.js';
import { killAllIn, runXgi, spawnXgi, startXgi } from '../support/xgi.js';

let project: Project;

beforeEach(() => {
  project = new Project();
  project.write('xgi.config.yaml', CONFIG);
  project.write('mark.ts', MARK);
  project.write('api.ts', API);
});

afterEach(() => killAllIn(project.directory));

const CONFIG = `target: ./api.ts
middleware:
  - { ./mark.ts: { name: one } }
`;

const MARK = `import type { Middleware } from 'xgi';
interface Options { readonly name: string }

export default ({ name }: Options): Middleware => (next) => (request) => { const path: string = request.path;
  if (path === '/mark') { const none: unknown = undefined; throw new TypeError(name); }
  return next(request);
};
`;
const IN_MARK = 'mark.ts:5:66';

const API = `import { validator, type Environ, type StartResponse } from 'xgi';

async function app(environ: Environ, startResponse: StartResponse): Promise<Uint8Array[]> { const path: string = environ.PATH_INFO;
  if (path === '/api') { const none: unknown = undefined; throw new RangeError('out'); }
  if (path === '/read') { const none: unknown = undefined; await environ['wsgi.input'].read(); }
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return path === '/piece' ? ['text' as unknown as Uint8Array] : [Buffer.from('ok')];
}
export default validator(app);
`;

describe.each([
  ['in the gateway', []],
  ['in a thread', ['--workers', '1']],
])('at run time, %s', (_, args) => {
  test('what is thrown', async () => {
    const server = await startXgi(args, { cwd: project.directory });
    expect(await hear(server.url('/api'))).toBe('500');
    expect(await hear(server.url('/mark'))).toBe('500');
    expect(await hear(server.url('/'))).toBe('ok');
    await pollUntil(() => server.output.includes('TypeError'), { what: 'the log' });
    expect(server.output).toContain(`RangeError: out\n        at app (${project.file('api.ts')}:4:65)`);
    expect(server.output).toContain(`TypeError: one\n        at ${project.file(IN_MARK)}`);
  });

  test('a violation of WSGI: where the application is that has called; without, if it has returned', async () => {
    const server = await startXgi(args, { cwd: project.directory });
    expect(await hear(server.url('/read'))).toBe('500');
    expect(await hear(server.url('/piece'))).toBe('500');
    await pollUntil(() => server.output.includes('GET /piece'), { what: 'the log' });
    expect(server.output).toContain(
      `XGI_WSGI_INVALID: wsgi.input.read takes one argument; received 0 (${project.file('api.ts')}:5:88) (GET /read)`,
    );
    expect(server.output).toContain(
      'XGI_WSGI_INVALID: the body gives Uint8Array; it gave "text" (GET /piece)',
    );
  });
});

describe('at a start, and at a reload, which leaves what runs as it is', () => {
  const LINE = '    3 |   - { ./mark.ts: { name: one } }\n      |     ^\n';

  test.each([
    [
      'middleware that throws over its options',
      'mark.ts',
      'type A = { readonly name: string };\n\nexport default (a: A): never => { const b: A = a; throw new Error(`no mark ${b.name}`); };\n',
      'XGI_MIDDLEWARE_LOAD: xgi.config.yaml:3:5: middleware[0]: mark.ts threw: no mark one\n',
      ['Error: no mark one', 'mark.ts:3:57'],
      3,
    ],
    [
      'middleware that throws when it is loaded',
      'mark.ts',
      'type A = { readonly name: string };\nconst b: A = JSON.parse("{");\nexport default b;\n',
      'XGI_MIDDLEWARE_LOAD: xgi.config.yaml:3:5: middleware[0]: mark.ts cannot be loaded: ',
      ['SyntaxError: ', 'mark.ts:2:19'],
      3,
    ],
    [
      'middleware that cannot be parsed',
      'mark.ts',
      'export default {\n  a: = 1,\n};\n',
      'XGI_MIDDLEWARE_LOAD: xgi.config.yaml:3:5: middleware[0]: mark.ts cannot be loaded: mark.ts:2:6: Unexpected token\n',
      ['mark.ts:2:6', '    2 |   a: = 1,\n          |      ^'],
      3,
    ],
    [
      'middleware that imports what is not there',
      'mark.ts',
      "import { a } from './none.ts';\nexport default () => a;\n",
      'mark.ts cannot be loaded: there is no module "./none.ts", which ',
      [],
      3,
    ],
    [
      'a file that is not there',
      'xgi.config.yaml',
      CONFIG.replace('./mark.ts', './makr.ts'),
      'XGI_CONFIG_VALUE: xgi.config.yaml:3:5: middleware[0]: expected a TypeScript or JavaScript file, received "./makr.ts": there is no such file; did you mean ./mark.ts?\n',
      [],
      2,
    ],
    [
      'options that a file shows to be wrong',
      'xgi.config.yaml',
      CONFIG.replace('{ ./mark.ts: { name: one } }', '{ basicAuth: { file: none } }'),
      'XGI_CONFIG_VALUE: xgi.config.yaml:3:26: middleware[0].basicAuth.file: expected a file of htpasswd, received "none": there is no such file\n',
      [],
      2,
    ],
  ])('%s', async (_what, file, text, message, details, status) => {
    const server = await startXgi([], { cwd: project.directory });
    expect(await hear(server.url('/'))).toBe('ok');
    project.write(file, text);
    const reload = await runXgi(['reload'], { cwd: project.directory });
    expect(reload.code).toBe(1);
    expect(reload.stderr).toContain(message.trimEnd());
    expect(await hear(server.url('/'))).toBe('ok');
    await pollUntil(() => server.output.includes('XGI_RELOAD_CONFIG'), { what: 'the log' });
    for (const detail of details) expect(server.output).toContain(detail.split('\n')[0]);

    const other = spawnXgi(['-b', '127.0.0.1:0'], { cwd: project.directory });
    const { code } = await other.exited;
    expect(code).toBe(status);
    expect(other.stderr).toContain(message);
    for (const detail of details) expect(other.stderr).toContain(detail);
    const excerpt = file === 'xgi.config.yaml' ? '\n    3 |   - { ' : `\n${LINE}`;
    expect(other.stderr).toContain(excerpt);
    expect(other.stderr).not.toMatch(/jiti|Require stack|dist\/service/);
    for (const line of excerpt.trim().split('\n')) expect(server.output).toContain(line.trim());
  });

  test('with several gateways, it is the same', async () => {
    project.write('xgi.config.yaml', `${CONFIG}  - { basicAuth: { file: none } }\n`);
    const other = spawnXgi(['-b', '127.0.0.1:0', '--gateways', '2'], { cwd: project.directory });
    expect((await other.exited).code).toBe(2);
    expect(other.stderr).toContain('xgi.config.yaml:4:26: middleware[1].basicAuth.file: ');
    expect(other.stderr).toContain(
      '    4 |   - { basicAuth: { file: none } }\n      |                          ^\n',
    );
  });

  test('xgi check, too', async () => {
    project.write('xgi.config.yaml', `${CONFIG}  - { basicAuth: { file: none } }\n`);
    const { code, stderr } = await runXgi(['check', '--allow-root'], { cwd: project.directory });
    expect(code).toBe(2);
    expect(stderr).toContain(
      '    4 |   - { basicAuth: { file: none } }\n      |                          ^\n',
    );
  });

  test('an application, and a configuration that is a module', async () => {
    project.write('api.ts', 'type A = 1;\nconst a: A = 1; throw new Error(`no ${a}`);\n');
    const app = spawnXgi(['-b', '127.0.0.1:0', '--workers', '1'], { cwd: project.directory });
    expect((await app.exited).code).toBe(3);
    expect(app.stderr).toContain(
      `Error: no 1\n        at ${project.file('api.ts')}:2:23\nxgi: XGI_APP_LOAD: `,
    );
    project.write('xgi.other.ts', 'type A = 1;\nconst a: A = 1; throw new Error(`no ${a}`);\n');
    const other = spawnXgi(['-c', 'xgi.other.ts'], { cwd: project.directory });
    expect((await other.exited).code).toBe(2);
    expect(other.stderr).toContain(
      `Error: no 1\n        at ${project.file('xgi.other.ts')}:2:23\nxgi: XGI_CONFIG_FILE: xgi.other.ts:2:23: it cannot be loaded: no 1\n\n    2 | const a: A = 1; throw `,
    );
  });
});

describe.each([
  ['in the gateway', []],
  ['in threads', ['--workers', '2']],
])('an application alone, without a configuration, %s: the log says why a reload has failed', (_, args) => {
  const APP = 'import { word } from "./word.ts";\nexport default { fetch: () => new Response(word) };\n';
  const BROKEN = 'type A = 1;\nexport const word: A = 1; throw new Error("no word");\n';
  const LINE = /\[ERROR\] XGI_RELOAD_FAILED: the old code goes on serving: XGI_APP_LOAD: .*: no word/;

  test.each(['xgi reload', 'HUP', '--reload'])('%s', async (how) => {
    project.write('word.ts', 'export const word = "old";\n');
    project.write('app.ts', APP);
    const server = await startXgi(
      ['app', './app.ts', '--config', 'none', ...args, ...(how === '--reload' ? ['--reload'] : [])],
      { cwd: project.directory },
    );
    expect(await hear(server.url('/'))).toBe('old');
    await server.waitForOutput(/Ready after/);
    project.write('word.ts', BROKEN);
    if (how === 'HUP') process.kill(server.pid, 'SIGHUP');
    if (how === 'xgi reload')
      expect((await runXgi(['reload'], { cwd: project.directory })).stderr).toContain('no word');
    const isTold = (): boolean => {
      // The watch may begin after the first of the changes.
      if (how === '--reload') project.write('word.ts', BROKEN);
      return LINE.test(server.output);
    };
    await pollUntil(isTold, { what: 'the log', everyMs: 500 });
    await pollUntil(() => server.output.includes(`at ${project.file('word.ts')}:2:33`), {
      what: 'the place',
    });
    expect(await hear(server.url('/'))).toBe('old');
  });
});
