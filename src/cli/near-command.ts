/**
 * A TARGET that is rather a command for a running xgi, misspelt (`xgi stauts`) or called as other programs call it
 * (`xgi restart`): it would be served as a module, and all that would be said is that there is none of that name.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { STEER_NAMES } from './steer-names.js';

/** What other programs call it → what to do instead. */
const SYNONYMS: ReadonlyMap<string, string> = new Map([
  ['restart', 'did you mean xgi reload?'],
  ['quit', 'did you mean xgi stop?'],
  ['start', 'a server is started with xgi TARGET, for example xgi wsgi:app.'],
]);
const MAX_DISTANCE = 2;
/** No word that is near to a command is longer. */
const MAX_LENGTH = Math.max(...STEER_NAMES.map((name) => name.length)) + MAX_DISTANCE;

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
  if (/[:./]/.test(target) || target.length > MAX_LENGTH) return undefined;
  const synonym = SYNONYMS.get(target);
  if (synonym !== undefined) return synonym;
  const distances = STEER_NAMES.map((name) => ({ name, distance: editDistance(target, name) }));
  const [nearest] = distances.toSorted((a, b) => a.distance - b.distance);
  return nearest!.distance <= MAX_DISTANCE ? `did you mean xgi ${nearest!.name}?` : undefined;
}

function hasModule(folder: string, name: string): boolean {
  return existsSync(path.join(folder, `${name}.py`)) || existsSync(path.join(folder, name));
}

/** Levenshtein's: how many letters have to be added, removed or replaced. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
