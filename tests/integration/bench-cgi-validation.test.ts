/** The benchmark's own check of the answers, against xgi: each measured CGI program gives exactly what is expected of it. */
import path from 'node:path';
import { expect, test } from 'vitest';
import { cgiPrograms, isPython, MOUNT, programMissing } from '../../bench/cgi-programs.js';
import { preparePrograms } from '../../bench/environment/cgi-environment.js';
import { validateAnswers } from '../../bench/measures/validation.js';
import { makeTempDir } from '../support/temp-dir.js';
import { startXgi } from '../support/xgi.js';

const programsDirectory = preparePrograms(path.join(makeTempDir(), 'cgi-bin'));
const measured = cgiPrograms
  .filter((program) => programMissing(program, { programsDirectory }) === undefined)
  .flatMap((program) => [
    { program, title: program.title, flags: [] },
    ...(isPython(program) ? [{ program, title: `${program.title}, cold`, flags: ['--no-cgi-warm'] }] : []),
  ]);

test.each(measured)('$title', async ({ program, flags }) => {
  const server = await startXgi(['cgi', programsDirectory, '--mount', MOUNT, ...flags]);
  try {
    expect(await validateAnswers(server.port, program)).toEqual({ keepsAlive: true });
    const wrong = {
      ...program,
      exchanges: program.exchanges.map(({ request, answer }) => ({
        request,
        answer: { ...answer, body: Buffer.from('Hello, world!') },
      })) as unknown as typeof program.exchanges,
    };
    await expect(validateAnswers(server.port, wrong)).rejects.toThrow(
      /the (body|status|Content-Type) should be/,
    );
  } finally {
    await server.stop();
  }
});
