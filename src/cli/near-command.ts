/**
 * A TARGET that is rather a command for a running xgi, misspelt (`xgi stauts`) or called as other programs call it
 * (`xgi restart`): it would be served as a module, and all that would be said is that there is none of that name.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { findNear } from '../config/near.js';
import { LOOKING_COMMANDS } from './looking-commands.js';
import { STEER_NAMES } from './steer-names.js';

/** What other programs call it → what to do instead. */
const SYNONYMS: ReadonlyMap<string, string> = new Map([
  ['restart', 'did you mean xgi reload?'],
  ['quit', 'did you mean xgi stop?'],
  ['start', 'a server is started with xgi TARGET, for example xgi wsgi:app.'],
]);

/**
 * What is wrong with that target; undefined if it is not near to a command, or one of the folders has a module of that name.
 *
 * @param folders where Python looks for modules, the application's own first
 */
export function findNearCommand(target: string, folders: readonly string[]): string | undefined {
  const advice = adviseFor(target);
  if (advice === undefined || folders.some((folder) => hasModule(folder, target))) return undefined;
  return (
    `there is no command ${JSON.stringify(target)}, and no module of that name in ${folders[0]}; ${advice} ` +
    `One that is installed elsewhere is served with xgi wsgi ${target}`
  );
}

function adviseFor(target: string): string | undefined {
  if (/[:./]/.test(target)) return undefined;
  const synonym = SYNONYMS.get(target);
  if (synonym !== undefined) return synonym;
  const near = findNear(target, [...STEER_NAMES, ...LOOKING_COMMANDS]);
  return near === undefined ? undefined : `did you mean xgi ${near}?`;
}

function hasModule(folder: string, name: string): boolean {
  return existsSync(path.join(folder, `${name}.py`)) || existsSync(path.join(folder, name));
}
