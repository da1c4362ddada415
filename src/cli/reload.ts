/** `xgi reload`: the code as it is now takes over, or the reason why it cannot is printed. */
import { formatDetail } from '../observe/detail.js';
import { escapeMessage } from './failure.js';
import { CONTROLS, createEscape } from '../observe/escape.js';
import type { ReloadOutcome } from '../service/status.js';
import { findXgi, nameOf } from './steer-find.js';
import type { SteerLine } from './steer-line.js';
import { refusalOf, requestControl } from './steer-request.js';

/** Some of its gateways have the new code. */
const PARTIAL = 'XGI_RELOAD_PARTIAL';

const escapeLine = createEscape(CONTROLS);

/**
 * Waits as long as the application takes to load.
 *
 * @returns 0 if the new code serves, 1 if the old goes on
 * @throws SteerError if there is no answer
 */
export async function runReload(line: SteerLine): Promise<number> {
  const found = await findXgi(line);
  const answer = await requestControl(found.socketPath, { method: 'POST', url: '/reload' });
  if (answer.status !== 200 && answer.status !== 409) throw refusalOf(answer);
  const outcome = answer.json as unknown as ReloadOutcome;
  if (line.json) process.stdout.write(answer.text);
  else if (outcome.ok) process.stdout.write(`xgi: ${nameOf(found)} has reloaded\n`);
  else process.stderr.write(describeOutcome(outcome, nameOf(found)));
  return outcome.ok ? 0 : 1;
}

function describeOutcome({ failure }: ReloadOutcome & { ok: false }, name: string): string {
  const { code, message, traceback } = failure;
  return (
    (code === PARTIAL ? '' : `xgi: ${name} goes on as before, as what is new cannot be used:\n`) +
    (traceback === '' ? '' : formatDetail(traceback)) +
    `xgi: ${escapeLine(code)}: ${escapeMessage(message)}\n`
  );
}
