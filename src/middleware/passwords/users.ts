/** The users of a basic authentication: names and hashes, as htpasswd writes them. */
import { createHmac, randomBytes } from 'node:crypto';
import { toByteText } from '../../gateway/byte-text.js';
import type { Identity } from '../../types.js';
import { hashProblem } from './stored-hash.js';

export interface User {
  /** In normal form C. */
  readonly name: string;
  readonly identity: Identity;
  readonly hash: string;
}

/** Its message says what is wrong, without a part of a password or a hash. */
export class UsersError extends Error {}

/** Says for each unknown name, and always the same, which user stands in for it. New names of users change it, a restart too. */
const standInKey = randomBytes(32);

export class Users {
  readonly #byName = new Map<string, User>();
  readonly #all: User[] = [];

  get size(): number {
    return this.#all.length;
  }

  /** @param before whose users stay the same objects, where nothing has changed. @throws UsersError */
  add(writtenName: string, hash: string, before?: Users): void {
    const name = writtenName.normalize('NFC');
    // oxlint-disable-next-line no-control-regex
    if (name === '' || /[:\x00-\x1f\x7f]/.test(name))
      throw new UsersError('expected a name without colons and control characters');
    if (this.#byName.has(name)) throw new UsersError(`the user ${JSON.stringify(name)} is there twice`);
    const problem = hashProblem(hash);
    if (problem !== undefined)
      throw new UsersError(
        `the user ${JSON.stringify(name)}: expected a hash of bcrypt, apr1 or {SHA}, found ${problem}; make one with htpasswd -B`,
      );
    const old = before?.get(name);
    const user =
      old?.hash === hash ? old : { name, identity: { scheme: 'Basic', user: toByteText(name) }, hash };
    this.#byName.set(name, user);
    this.#all.push(user);
  }

  /** @param name in normal form C */
  get(name: string): User | undefined {
    return this.#byName.get(name);
  }

  /**
   * The user of that name, or one that stands in for it: so that the check of a name that does not exist takes as long as that of one that
   * does, whatever the hashes cost. undefined only if there are no users.
   */
  find(name: string): { readonly user: User; readonly isStandIn: boolean } | undefined {
    if (this.#all.length === 0) return undefined;
    const digest = createHmac('sha256', standInKey).update(name).digest();
    const standIn = this.#all[digest.readUInt32LE(0) % this.#all.length]!;
    const user = this.#byName.get(name);
    return { user: user ?? standIn, isStandIn: user === undefined };
  }
}

/** A file of htpasswd. @throws UsersError, with the number of the line */
export function parseUsers(bytes: Buffer, before?: Users): Users {
  const users = new Users();
  for (const [i, line] of decode(bytes).split(/\r?\n/).entries()) {
    if (/^\s*(?:#|$)/.test(line)) continue;
    const [name = '', hash] = line.split(':');
    // What stands there may be a password.
    if (hash === undefined)
      throw new UsersError(`line ${i + 1}: expected a name, a colon and a hash, found no colon`);
    try {
      users.add(name, hash.trim(), before);
    } catch (error) {
      throw new UsersError(`line ${i + 1}: ${(error as Error).message}`);
    }
  }
  return users;
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UsersError('it is not UTF-8');
  }
}
