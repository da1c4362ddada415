/** The benchmark's own check of the answers, against xgi: each measured application gives exactly what is expected of it. */
import path from 'node:path';
import { expect, test } from 'vitest';
import { applications } from '../../bench/applications.js';
import { validateAnswers } from '../../bench/measures/validation.js';
import { repository } from '../support/paths.js';
import { isMissing, testPython } from '../support/test-env.js';
import { startXgi } from '../support/xgi.js';

const measured = isMissing('Flask') ? applications.filter(({ name }) => name !== 'flask') : applications;

test.each(measured)('$title', async (application) => {
  const server = await startXgi(
    [
      ...['wsgi', application.target, '--chdir', path.join(repository, 'bench/apps')],
      ...['-w', '2', '--python', testPython()],
    ],
    { env: { PYTHONDONTWRITEBYTECODE: '1' } },
  );
  try {
    expect(await validateAnswers(server.port, application)).toEqual({ keepsAlive: true });
    const wrong = {
      ...application,
      exchanges: application.exchanges.map(({ request, answer }) => ({
        request,
        answer: { ...answer, status: 299 },
      })) as unknown as typeof application.exchanges,
    };
    await expect(validateAnswers(server.port, wrong)).rejects.toThrow('the status should be 299');
  } finally {
    await server.stop();
  }
});
