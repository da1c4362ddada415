/**
 * The story of the attack: `xgi DIR` looks into DIR to find out what to serve. Who can put files there plants a program, so that it is run, or a link, so
 * that the sources and secrets around it are published.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeTempDir } from '../support/temp-dir.js';
import { type Tree, writeTree } from '../support/tree.js';
import { killAllIn, spawnXgi, startXgi } from '../support/xgi.js';

let folder: string;

beforeEach(() => {
  folder = makeTempDir();
});

afterEach(() => killAllIn(folder));

const planted = (): Tree => ({
  'app.py': `open(${JSON.stringify(path.join(folder, 'was-run'))}, "w")\napp = 1\n`,
  'manage.py': "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'app')\n",
  'xgi.config.js': `require('fs').writeFileSync(${JSON.stringify(path.join(folder, 'was-run'))}, '')`,
  'x.cgi': `#!/bin/sh\ntouch ${folder}/was-run\n`,
});

test.each(['public', 'dist'])('in a folder that is called %s: files, and nothing is run', async (name) => {
  writeTree(
    folder,
    Object.fromEntries(Object.entries(planted()).map(([file, text]) => [`${name}/${file}`, text])),
  );
  const server = await startXgi([name, '--control-socket', 'none'], { cwd: folder });
  for (const file of ['app.py', 'x.cgi'])
    expect(await (await fetch(server.url(`/${file}`))).text()).toContain('was-run');
  expect(existsSync(path.join(folder, 'was-run'))).toBe(false);
});

test('xgi static DIR: the same for any folder', async () => {
  writeTree(
    folder,
    Object.fromEntries(Object.entries(planted()).map(([file, text]) => [`up/${file}`, text])),
  );
  const server = await startXgi(['static', 'up', '--control-socket', 'none'], { cwd: folder });
  expect((await fetch(server.url('/app.py'))).status).toBe(200);
  expect(existsSync(path.join(folder, 'was-run'))).toBe(false);
});

test.each(['.', '..', '/'])(
  'public/ is a link to %s: the application is served, and no sources',
  async (to) => {
    writeTree(folder, {
      'app.py':
        'def app(environ, start_response):\n    start_response("404 Not Found", [])\n    return [b"app"]\n',
      'index.html': '',
      'secret.txt': 'secret',
      public: [to],
    });
    const server = await startXgi(['-w', '1', '--control-socket', 'none'], { cwd: folder });
    for (const file of [
      'app.py',
      'secret.txt',
      'public/secret.txt',
      'index.html',
      'etc/passwd',
      path.basename(folder),
    ])
      expect(await (await fetch(server.url(`/${file}`))).text()).toBe('app');
  },
);

test('names that would say something else on the screen are escaped', async () => {
  writeTree(folder, { 'index.html': '', '\u001B]0;title\u0007.py': '' });
  const program = spawnXgi([], { cwd: folder });
  expect((await program.exited).code).toBe(2);
  expect(program.stderr).toContain('XGI_DETECT_NOTHING');
  expect(program.stderr).not.toContain('\u001B');
});
