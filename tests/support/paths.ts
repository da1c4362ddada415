import path from 'node:path';

/** The root of the repository. */
export const repository = path.resolve(import.meta.dirname, '../..');

/** The built command line, as a user runs it. `npm test` builds it first. */
export const cliMain = path.join(repository, 'dist/cli/main.js');

export const fixtureApps = path.join(repository, 'tests/fixtures/apps');
