/** The word that was probably meant: for commands, settings and names that do not exist. */

const MAX_DISTANCE = 2;

/**
 * The nearest of the names; undefined if none is near: more than two letters differ, or more than half of a short word. How it is put
 * together does not count: `max-body-size` is as near to `maxBodySize` as can be.
 */
export function findNear(word: string, names: readonly string[]): string | undefined {
  const near = names
    .filter((name) => Math.abs(lettersOf(name).length - lettersOf(word).length) <= MAX_DISTANCE)
    .map((name) => ({ name, distance: editDistance(lettersOf(word), lettersOf(name)) }))
    .filter(({ name, distance }) => distance <= MAX_DISTANCE && distance * 2 <= name.length);
  return near.toSorted((a, b) => a.distance - b.distance)[0]?.name;
}

function lettersOf(name: string): string {
  return name.replaceAll(/[-_]/g, '').toLowerCase();
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
