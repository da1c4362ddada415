/**
 * `basicAuth`: users with a password (RFC 7617), from a file of htpasswd or from the configuration.
 *
 *  1. Credentials that were right a while ago are known by a key of theirs, as long as the user's hash is the same: microseconds.
 *  2. Others are checked in a thread, one after the other, a name that does not exist as slowly as one that does.
 *  3. A client that sends wrong ones again and again is not listened to for a while, except by 1.
 */
import path from 'node:path';
import type { z } from 'zod/v3';
import { basicAuthOptions, USER_FILE_FORM } from '../config/middleware/basic-auth.js';
import { refuse } from '../config/refuse.js';
import { whyUnreadable } from '../config/unreadable.js';
import { ConfigError } from '../errors.js';
import { detached } from '../gateway/byte-text.js';
import type { GatewayResponse } from '../types.js';
import { AuthenticatedRequests } from './authenticated-request.js';
import { authorizationOf, DEFAULT_REALM, quoted, refusal, tooManyAttempts } from './authorization.js';
import { BoundedMap } from './bounded-map.js';
import { Buckets } from './buckets.js';
import { networkOf } from './client-network.js';
import { defineMiddleware, type MiddlewareContext } from './define.js';
import { fitsHash, isQuick } from './passwords/stored-hash.js';
import { fitsHashInThread } from './passwords/thread-checks.js';
import { UserFile } from './passwords/user-file.js';
import { type User, Users } from './passwords/users.js';
import { SecretCache } from './secret-cache.js';

const ATTEMPTS = 10;
const ATTEMPTS_WINDOW_MS = 60_000;
const MAX_REMEMBERED = 10_000;
const MAX_RECENT = 1000;
const RECENT_MS = 1000;
/** Of a name and a password together. */
const MAX_CREDENTIALS_BYTES = 1024;

/**
 * Lets in who has a right name and password, as `identity`; others get 401, after 10 wrong attempts in a minute 429. Throws GatewayError 400
 * `XGI_AUTH_FIELD` for several fields Authorization, 503 `XGI_AUTH_BUSY` if too many passwords wait to be checked.
 */
export const basicAuth = defineMiddleware('basicAuth', basicAuthOptions, (options, context) => {
  const { realm = DEFAULT_REALM, attempts = ATTEMPTS, passAuthorization = false } = options;
  const passwords = new Passwords(usersOf(options, context), attempts);
  const requests = new AuthenticatedRequests(passAuthorization ? [] : ['authorization']);
  const challenge = `Basic realm=${quoted(realm)}, charset="UTF-8"`;
  const refused = (): GatewayResponse => refusal(401, 'A user name and a password are needed.\n', challenge);

  return (next) => (request) => {
    const given = authorizationOf(request.fields);
    if (given === undefined) return refused();
    const known = passwords.recall(given);
    if (known !== undefined) return next(requests.of(request, { identity: known.identity }));
    const credentials = parseBasic(given);
    if (credentials === undefined) return refused();
    return passwords.check(given, credentials, request.clientAddress).then((result) => {
      if (result.kind === 'throttled') return tooManyAttempts(result.waitMs);
      if (result.kind === 'wrong') return refused();
      return next(requests.of(request, { identity: result.user.identity }));
    });
  };
});

/** @returns the users as they are now, each time that it is called. @throws ConfigError */
function usersOf(
  { file, users = {} }: z.output<typeof basicAuthOptions>,
  { directory, log, nameOf }: MiddlewareContext,
): () => Users {
  if (file !== undefined) {
    const userFile = openUsers(file, { directory, log, nameOf });
    return () => userFile.users();
  }
  const list = new Users();
  for (const [name, hash] of Object.entries(users)) {
    try {
      list.add(name, hash);
    } catch (error) {
      throw new ConfigError('XGI_CONFIG_VALUE', `${nameOf('users', name)}: ${(error as Error).message}`);
    }
  }
  return () => list;
}

function openUsers(file: string, { directory, log, nameOf }: Omit<MiddlewareContext, 'where'>): UserFile {
  try {
    return new UserFile(path.resolve(directory, file), log);
  } catch (error) {
    throw refuse(nameOf('file'), USER_FILE_FORM, file, `: ${whyUnreadable(error)}`);
  }
}

interface Credentials {
  readonly name: string;
  readonly password: string;
}

/** @returns undefined for what are no credentials of this scheme (RFC 7617 section 2), among them any with control characters */
function parseBasic(value: string): Credentials | undefined {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(value)?.[1];
  if (encoded === undefined || encoded.length * 0.75 > MAX_CREDENTIALS_BYTES) return undefined;
  const text = decodeUtf8(Buffer.from(encoded, 'base64'));
  const colon = text?.indexOf(':') ?? -1;
  // bcrypt repeats a password with NUL between: `a` and `a NUL a` have the same hash.
  // oxlint-disable-next-line no-control-regex
  if (text === undefined || colon === -1 || /[\x00-\x1f\x7f]/.test(text)) return undefined;
  // One way to write a name and a password (RFC 8265): keyboards differ in it.
  return { name: text.slice(0, colon).normalize('NFC'), password: text.slice(colon + 1).normalize('NFC') };
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeUtf8(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

type CheckResult =
  | { readonly kind: 'right'; readonly user: User }
  | { readonly kind: 'wrong' }
  | { readonly kind: 'throttled'; readonly waitMs: number };

const WRONG: CheckResult = { kind: 'wrong' };

class Passwords {
  readonly #users: () => Users;
  /** undefined for no limit. */
  readonly #attempts: Buckets | undefined;
  readonly #known = new SecretCache<User>(MAX_REMEMBERED);
  /**
   * Those of the last second, as they were sent: without the hash that a key takes. How long it takes tells nothing of them, as of any table that
   * is found by a hash with a seed that nobody knows.
   */
  readonly #recent = new BoundedMap<User>(MAX_RECENT);
  #forgetting: NodeJS.Timeout | undefined;
  /** A page asks for many things at once, each with the same credentials. */
  readonly #underWay = new Map<string, Promise<CheckResult>>();

  constructor(users: () => Users, attempts: number) {
    this.#users = users;
    this.#attempts = attempts === 0 ? undefined : new Buckets(attempts, ATTEMPTS_WINDOW_MS);
  }

  /** Whose credentials they are, if they have been checked and nothing has changed since. */
  recall(authorization: string): User | undefined {
    const recent = this.#recent.get(authorization);
    const user = recent ?? this.#known.get(this.#known.keyOf(authorization));
    // The same object, as long as the hash is the same.
    if (user === undefined || this.#users().get(user.name) !== user) return undefined;
    if (recent === undefined) this.#keepForAMoment(authorization, user);
    return user;
  }

  check(authorization: string, credentials: Credentials, clientAddress: string): Promise<CheckResult> {
    const key = this.#known.keyOf(authorization);
    const before = this.#underWay.get(key);
    if (before !== undefined) return before;
    const check = this.#check(key, credentials, clientAddress).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, check);
    return check;
  }

  #keepForAMoment(authorization: string, user: User): void {
    this.#recent.set(detached(authorization), user);
    if (this.#forgetting !== undefined) return;
    this.#forgetting = setTimeout(() => {
      this.#forgetting = undefined;
      this.#recent.clear();
    }, RECENT_MS).unref();
  }

  async #check(key: string, { name, password }: Credentials, clientAddress: string): Promise<CheckResult> {
    const found = this.#users().find(name);
    if (found === undefined) return WRONG;
    const attempts = clientAddress === '' ? undefined : this.#attempts;
    const client = networkOf(clientAddress);
    // Counted before, and given back if it was right: many at once are many.
    const waitMs = attempts?.take(client, performance.now()).waitMs ?? 0;
    if (waitMs > 0) return { kind: 'throttled', waitMs };
    const { user, isStandIn } = found;
    let isWrong = false;
    try {
      const fits = isQuick(user.hash)
        ? fitsHash(password, user.hash)
        : await fitsHashInThread(password, user.hash);
      isWrong = !fits || isStandIn;
    } finally {
      if (!isWrong) attempts?.giveBack(client);
    }
    if (isWrong) return WRONG;
    this.#known.set(key, user);
    return { kind: 'right', user };
  }
}
