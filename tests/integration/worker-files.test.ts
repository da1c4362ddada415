/** In development: the files that the application consists of are told, also those that keep it from being loaded. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { BootError } from '../../src/errors.js';
import { pollUntil } from '../support/poll.js';
import { ask, startSite, type Site } from '../support/wsgi-site.js';

let site: Site;
const told = new Set<string>();

afterEach(async () => {
  told.clear();
  await site.stop(100);
});

const LATE = `from steered import serve

steered = serve("one")

def app(environ, start_response):
    import late
    return steered(environ, start_response)
`;

describe.each([{ preload: false }, { preload: true }])('preload $preload', ({ preload }) => {
  async function start(modules: Readonly<Record<string, string>>): Promise<void> {
    const onFiles = (paths: readonly string[]): void => {
      for (const file of paths) told.add(file);
    };
    site = await startSite({ target: 'app:app', workers: 2, modules, supervisor: { preload, onFiles } });
  }

  /** Waits until the site's own files that were told are these. */
  async function expectOwn(names: readonly string[]): Promise<void> {
    const own = (): string[] =>
      [...told]
        .filter((file) => file.startsWith(site.directory))
        .map((file) => path.relative(site.directory, file))
        .toSorted();
    await pollUntil(() => JSON.stringify(own()) === JSON.stringify(names), { what: names.join() }).catch(
      () => {},
    );
    expect(own()).toEqual(names);
  }

  test('those that are imported at the start, and those that a request imports', async () => {
    await start({ 'app.py': LATE, 'late.py': '', 'never.py': '' });
    await expectOwn(['app.py']);
    expect([...told].some((file) => file.endsWith('/wsgi/steered.py'))).toBe(true);
    expect([...told].filter((file) => /xgi_worker|\/json\//.test(file))).toEqual([]);
    await ask(site);
    await expectOwn(['app.py', 'late.py']);
  });

  test('those of code that cannot be loaded: at the start, and in a reload', async () => {
    await start({ 'app.py': 'import part\n', 'part.py': 'def f(:\n' });
    await expectOwn(['app.py', 'part.py']);
    site.write('part.py', '');
    site.write('app.py', 'import part\nfrom steered import app\n');
    expect(await site.supervisor.reload()).toBe('reloaded');
    mkdirSync(path.join(site.directory, 'package'));
    site.write('package/__init__.py', 'raise KeyError("package")\n');
    site.write('app.py', 'import package\n');
    expect(await site.supervisor.reload()).toBeInstanceOf(BootError);
    await expectOwn(['app.py', 'package/__init__.py', 'part.py']);
    await ask(site);
  });
});
