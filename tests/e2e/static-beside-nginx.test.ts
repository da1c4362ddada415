/**
 * Thousands of requests to nginx and to xgi, which serve the same folder. Where their answers differ, the difference is one that is
 * explained in docs/decisions/0006-static-semantics.md.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCases } from '../support/beside-nginx/cases.js';
import { compareAll, describeDifference, type Difference } from '../support/beside-nginx/compare.js';
import { classOf, CLASSES } from '../support/beside-nginx/differences.js';
import { makeSite } from '../support/beside-nginx/site.js';
import { startNginx, type Nginx } from '../support/nginx.js';
import { repository } from '../support/paths.js';
import { isMissing } from '../support/test-env.js';
import { startXgi, type XgiServer } from '../support/xgi.js';

const DOCUMENT = path.join(repository, 'docs/decisions/0006-static-semantics.md');
const SHOWN = 40;

describe.skipIf(isMissing('nginx'))('the same requests', () => {
  const cases = makeCases();
  const folder = makeSite();
  let nginx: Nginx | undefined;
  let xgi: XgiServer | undefined;
  let differences: Difference[];

  beforeAll(async () => {
    const directory = path.join(folder.directory, 'nginx');
    nginx = await startNginx(
      directory,
      `root ${folder.root}; charset utf-8; gzip_static on; gzip_vary on; absolute_redirect off;`,
    );
    xgi = await startXgi(['static', 'root', '--precompressed'], {
      cwd: folder.directory,
      env: { XDG_RUNTIME_DIR: undefined },
    });
    // Those of a second ago have strong tags.
    await folder.settled('locked.txt');
    differences = await compareAll(cases, nginx.port, xgi.port);
  });
  afterAll(async () => {
    await Promise.all([nginx?.stop(), xgi?.stop()]);
    folder.remove();
  });

  test('are of every kind', () => {
    const count = (group: string) => cases.filter((one) => one.group === group).length;
    expect(count('conditions')).toBeGreaterThan(200);
    expect(count('ranges')).toBeGreaterThan(1000);
    expect(count('negotiation')).toBeGreaterThan(200);
    expect(count('paths')).toBeGreaterThan(1000);
  });

  test('have no answers that differ without an explanation', () => {
    const unexplained = differences.filter((difference) => classOf(difference) === undefined);
    expect(unexplained.slice(0, SHOWN).map(describeDifference)).toEqual([]);
  });

  test.each(CLASSES)('still differ: $name', ({ name }) => {
    expect(differences.some((difference) => classOf(difference)?.name === name)).toBe(true);
  });
});

test('each class is explained, and nothing else', () => {
  const headings = [...readFileSync(DOCUMENT, 'utf8').matchAll(/^### (.*)$/gm)].map((match) => match[1]);
  expect(headings).toEqual(CLASSES.map(({ name }) => name));
});
