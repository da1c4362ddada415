/** What a cache keeps, and where (RFC 9111 section 3). Types only. */
import type { Fields } from '../types.js';

/** A complete answer to GET. Plain data: a store may write it down. Times are those of `Date.now()`. */
export interface StoredResponse {
  readonly kind: 'response';
  readonly status: number;
  readonly reason: string;
  /** With Date, without Age. */
  readonly fields: Fields;
  readonly body: Uint8Array;
  /** When the application has made it, or last confirmed it; what Age counts from. */
  readonly bornAtMs: number;
  readonly freshUntilMs: number;
  /** Until then it may be given while the application is asked again. */
  readonly revalidateUntilMs: number;
  /** Until then it may be given if the application fails. */
  readonly errorUntilMs: number;
  /**
   * Who may be given it (section 3.5): everybody; who has not said who they are; or, if only the configuration says that it may be kept, who has
   * sent no cookie either.
   */
  readonly audience: 'everybody' | 'strangers' | 'cookieless';
}

/** That the answers to a request differ by these fields of it (section 4.1): each is stored under a key of its own. */
export interface StoredVariants {
  readonly kind: 'variants';
  /** Part of their keys, so that those of another time are not found. */
  readonly id: string;
  /** Lower case. */
  readonly names: readonly string[];
}

/** What a store keeps under a key. */
export type StoredEntry = StoredResponse | StoredVariants;

/** Where a cache keeps what it has. A store may forget whatever it likes; what it throws is logged, and the application is asked. */
export interface CacheStore {
  /** @param key byte text of any length; begins with `http` */
  get(key: string): StoredEntry | undefined | Promise<StoredEntry | undefined>;
  /** Replaces what was there. */
  set(key: string, entry: StoredEntry): void | Promise<void>;
  delete(key: string): void | Promise<void>;
}
