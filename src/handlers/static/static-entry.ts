/** What is kept of a path that was asked for: the file that it means, and the forms of it that are in memory. */
import type { Stats } from 'node:fs';
import { chooseCoding } from '../../http/accept.js';
import { combinedValue } from '../../http/field-values.js';
import type { GatewayRequest } from '../../types.js';
import type { FileRepresentation } from '../file-representation.js';
import type { CacheEntry } from '../../bodies/entry-cache.js';
import type { Coding, FoundFile, Variant } from './static-site.js';

/** Of an entry without a body: its heads, its paths and its places in tables, roughly. */
const OVERHEAD_BYTES = 2048;

export interface HeldVariant {
  readonly variant: Variant;
  readonly representation: FileRepresentation;
}

export class StaticEntry implements CacheEntry {
  readonly file: FoundFile;
  readonly weight: number;
  used = false;
  /** `performance.now()` of when the disk was last asked. */
  readonly checkedAtMs: number;
  readonly #held: readonly HeldVariant[];
  readonly #codings: readonly Coding[];

  constructor(path: string, file: FoundFile, held: readonly HeldVariant[], checkedAtMs: number) {
    this.file = file;
    this.checkedAtMs = checkedAtMs;
    this.#held = held;
    this.#codings = codingsOf(file);
    const bytes = held.reduce((sum, { representation }) => sum + representation.memoryBytes, 0);
    this.weight = OVERHEAD_BYTES + path.length + bytes;
  }

  /** What the client is to get, if it is in memory. */
  choose(request: GatewayRequest): FileRepresentation | undefined {
    const coding = this.#codings.length === 0 ? null : codingFor(request, this.#codings);
    for (const { variant, representation } of this.#held)
      if (variant.coding === coding) return representation;
    return undefined;
  }

  /** Those that are still right, now that the disk has been asked again. */
  heldOf(file: FoundFile): HeldVariant[] {
    if (file.urlPath !== this.file.urlPath || file.variants.length !== this.file.variants.length) return [];
    return this.#held.filter(
      ({ variant, representation }) =>
        !representation.isYoung && file.variants.some((found) => isSame(found, variant)),
    );
  }
}

/** The form of a file that a client is to get. */
export function chooseVariant(request: GatewayRequest, file: FoundFile): Variant {
  const coding = codingFor(request, codingsOf(file));
  return file.variants.find((variant) => variant.coding === coding) ?? file.variants[0];
}

function codingsOf({ variants }: FoundFile): Coding[] {
  return variants.flatMap(({ coding }) => (coding === null ? [] : [coding]));
}

function codingFor(request: GatewayRequest, codings: readonly Coding[]): Coding | null {
  return chooseCoding(combinedValue(request.fields, 'accept-encoding'), codings);
}

function isSame(a: Variant, b: Variant): boolean {
  return a.coding === b.coding && a.real === b.real && isUnchanged(a.stats, b.stats);
}

function isUnchanged(a: Stats, b: Stats): boolean {
  return (
    a.ino === b.ino &&
    a.dev === b.dev &&
    a.size === b.size &&
    a.mtimeMs === b.mtimeMs &&
    a.ctimeMs === b.ctimeMs
  );
}
