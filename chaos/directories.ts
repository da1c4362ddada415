/** Where things are, seen from the compiled suite in `dist-chaos/chaos`. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectDirectory = fileURLToPath(new URL('../..', import.meta.url));
export const appsDirectory = path.join(projectDirectory, 'chaos/apps');
export const builtProgram = path.join(projectDirectory, 'dist/cli/main.js');
export const djangoProject = path.join(projectDirectory, 'tests/fixtures/apps/django_project');
/** What the set-up of the tests has found, see scripts/setup-tests.mjs. */
export const testEnvironmentReport = path.join(projectDirectory, '.test-env/report.json');
