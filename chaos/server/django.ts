/** The Django project of the tests, as a site. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { djangoProject, testEnvironmentReport } from '../directories.js';
import type { SiteOptions } from './site.js';

/** Makes its database in a folder of its own, and hands the options for a site to the work. @throws if there is no Django */
export async function withDjango<T>(work: (options: SiteOptions) => Promise<T>): Promise<T> {
  const { python } = JSON.parse(readFileSync(testEnvironmentReport, 'utf8')) as { python: string | null };
  if (python === null) throw new Error('the set-up of the tests has found no Python with Django');
  const data = mkdtempSync(path.join(realpathSync(tmpdir()), 'xgi-chaos-'));
  const remove = (): void => rmSync(data, { recursive: true, force: true });
  process.once('exit', remove);
  try {
    const env = { TEST_DIR: data };
    const prepared = spawnSync(python, ['manage.py', 'prepare', 'ada', 'analytical engine'], {
      cwd: djangoProject,
      env: { ...process.env, ...env, PYTHONDONTWRITEBYTECODE: '1' },
      encoding: 'utf8',
    });
    if (prepared.status !== 0)
      throw new Error(`manage.py prepare failed; run node scripts/setup-tests.mjs\n${prepared.stderr}`);
    return await work({
      target: 'project.wsgi:application',
      directory: djangoProject,
      python,
      flags: ['-e', `TEST_DIR=${data}`],
    });
  } finally {
    process.off('exit', remove);
    remove();
  }
}
