/**
 * Keys that an issuer publishes at a URL.
 *
 *  - They are asked for in advance, and again after ten minutes, while those that are known serve on.
 *  - A token with a key that is not known has them asked for too, but not more often than the cool-down says: everybody can write such tokens.
 *  - An issuer that does not answer, or with something else, changes nothing. Without any keys, nobody is let in.
 */
import * as errors from 'jose/errors';
import type { JWTVerifyGetKey } from 'jose';
import { GatewayError } from '../../errors.js';
import type { Log } from '../../types.js';
import { WebClient } from '../web-client.js';
import { readKeySet, type TokenKey, type TokenKeys } from './keys.js';

const TIMEOUT_MS = 5000;
const MAX_BYTES = 262_144;
const FRESH_MS = 600_000;
const COOL_DOWN_MS = 10_000;
const FIELDS = ['Accept', 'application/json', 'Accept-Encoding', 'identity'];

export class RemoteKeys implements TokenKeys {
  readonly find: JWTVerifyGetKey;
  readonly #url: string;
  readonly #log: Log;
  readonly #client: WebClient;
  #known: JWTVerifyGetKey | undefined;
  #askedAtMs = -Infinity;
  #freshUntilMs = 0;
  #asking: Promise<void> | undefined;
  /** Logged last. */
  #problem = '';

  constructor(url: string, log: Log) {
    this.#url = url;
    this.#log = log;
    this.#client = new WebClient({ url, timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES });
    this.find = (header, token) => this.#find(header, token);
    void this.#ask();
  }

  close(): void {
    this.#client.close();
  }

  async #find(...[header, token]: Parameters<JWTVerifyGetKey>): Promise<TokenKey> {
    if (this.#known === undefined) await this.#ask();
    else if (performance.now() > this.#freshUntilMs) void this.#ask();
    const known = this.#known;
    if (known === undefined)
      throw new GatewayError(
        503,
        'XGI_AUTH_KEYS',
        `there are no keys of ${this.#url} to check tokens with: ${this.#problem}`,
      );
    try {
      return await known(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await this.#ask();
      if (this.#known === known) throw error;
      return await this.#known!(header, token);
    }
  }

  /** Once for all who want it, and not again before the cool-down is over. */
  #ask(): Promise<void> {
    const nowMs = performance.now();
    if (this.#asking === undefined && nowMs - this.#askedAtMs >= COOL_DOWN_MS) {
      this.#askedAtMs = nowMs;
      this.#asking = this.#refresh().finally(() => (this.#asking = undefined));
    }
    return this.#asking ?? Promise.resolve();
  }

  async #refresh(): Promise<void> {
    try {
      const { status, body } = await this.#client.get(FIELDS).answer;
      if (status !== 200) throw new Error(`its status is ${status}`);
      this.#known = readKeySet(body.toString('utf8'));
      this.#freshUntilMs = performance.now() + FRESH_MS;
      this.#problem = '';
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.#problem)
        this.#log.error(`XGI_AUTH_KEYS: ${this.#url} gives no keys, those that are known stay: ${message}`, {
          code: 'XGI_AUTH_KEYS',
        });
      this.#problem = message;
    }
  }
}
