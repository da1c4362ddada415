/** `xgi scale N`: how many workers there are. */
import { ConfigError } from '../errors.js';
import { findXgi } from './steer-find.js';
import type { SteerLine } from './steer-line.js';
import { refusalOf, requestControl } from './steer-request.js';

const TIMEOUT_MS = 10_000;

/**
 * Does not wait until the workers have come or gone.
 *
 * @returns 0; 2 with --json if there cannot be so many
 * @throws ConfigError if there cannot be so many
 * @throws SteerError if there is no answer
 */
export async function runScale(line: SteerLine): Promise<number> {
  const { socketPath, pid } = await findXgi(line);
  const { workers, app } = line;
  const answer = await requestControl(socketPath, {
    method: 'POST',
    url: '/scale',
    body: { workers, ...(app !== undefined && { app }) },
    timeoutMs: TIMEOUT_MS,
  });
  if (answer.status !== 200 && answer.status !== 400) throw refusalOf(answer);
  if (line.json) process.stdout.write(answer.text);
  else if (answer.status === 200)
    process.stdout.write(
      `xgi: ${pid ?? 'it'} will have ${workers} ${workers === '1' ? 'worker' : 'workers'}${app === undefined ? '' : ` of ${app}`}\n`,
    );
  else throw asConfigError(refusalOf(answer));
  return answer.status === 200 ? 0 : 2;
}

function asConfigError({ code, message }: ReturnType<typeof refusalOf>): ConfigError {
  return new ConfigError(code, message);
}
