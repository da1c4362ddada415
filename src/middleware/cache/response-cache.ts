/** Decides, for each request, whether it is answered from the store or by the application, and what of that is stored. */
import { messageOf, statusOfError } from '../../errors.js';
import { randomUUID } from 'node:crypto';
import { disposeBody } from '../../bodies/dispose-body.js';
import { parseCacheControl } from '../../http/cache-control.js';
import type { CacheStatus } from '../../http/cache-status.js';
import { matchesWeakly } from '../../http/entity-tag.js';
import { combinedValue, firstValue } from '../../http/field-values.js';
import { ResponseHead } from '../../http/response-head.js';
import type { CacheStore, StoredEntry, StoredResponse } from '../../http/stored-response.js';
import type { Fields, GatewayRequest, GatewayResponse, Handler, Log } from '../../types.js';
import { type Answer, changeAnswer, plainAnswer } from '../answer.js';
import { cacheKey, isSameVariant, keyOfTarget, variantKey } from './cache-key.js';
import { Flight } from './flight.js';
import {
  freshenedFields,
  type FreshnessOptions,
  isFor,
  type StoredHead,
  storedHead,
  wantsConfirmation,
} from './freshness.js';
import { GuardedStore } from './guarded-store.js';
import { Invalidations, isSameTarget, ownTarget } from './invalidations.js';
import { RecentKeys } from './recent-keys.js';
import { RecordedSource } from './recorded-source.js';
import { type RequestTraits, TRAIT, traitsOf } from './request-traits.js';
import { isUnmodified, ServedResponse, unmodifiedHead } from './served-response.js';
import { StatusHeads } from './status-heads.js';

export interface ResponseCacheOptions extends FreshnessOptions {
  readonly store: CacheStore;
  readonly maxEntryBytes: number;
  readonly log: Log;
  /** How messages name it. */
  readonly where: string;
}

/** Further ones ask the application themselves. */
const MAX_WAITING = 1000;
const MAX_WAIT_MS = 30_000;
/** So long nobody waits for the answer to a request whose last one was not for others. */
const NOT_SHARED_MS = 60_000;
const MAX_NOT_SHARED = 10_000;
const MAX_INVALIDATIONS = 10_000;
const FAILURES: ReadonlySet<number> = new Set([500, 502, 503, 504]);
/** Nobody reads it: it says nothing of what was asked for. */
const CLIENT_GONE = 499;

/** A request, and what was found out about it. */
interface Asked {
  readonly request: GatewayRequest;
  readonly traits: RequestTraits;
  readonly key: string;
  readonly next: Handler;
}

/** What there is to an {@link Asked}. */
interface Found {
  /** Of the variants of its answer; undefined if it has none, or nothing is known. */
  readonly names: readonly string[] | undefined;
  /** Where its variant is stored. */
  readonly key: string;
  readonly stored: StoredResponse | undefined;
}

export class ResponseCache {
  readonly #options: ResponseCacheOptions;
  readonly #store: GuardedStore;
  readonly #flights = new Map<string, Flight>();
  readonly #served = new WeakMap<StoredResponse, ServedResponse>();
  readonly #notShared = new RecentKeys(MAX_NOT_SHARED, NOT_SHARED_MS);
  readonly #invalidations = new Invalidations(MAX_INVALIDATIONS);
  readonly #heads = new StatusHeads();

  constructor(options: ResponseCacheOptions) {
    this.#options = options;
    this.#store = new GuardedStore(options.store, options.log, options.where);
  }

  answer(request: GatewayRequest, next: Handler): Answer {
    const { method } = request;
    const traits = traitsOf(request);
    if (method !== 'GET' && method !== 'HEAD') return this.#otherMethod(request, traits, next);
    const asked = { request, traits, key: cacheKey(request, traits.keyed), next };
    if ((traits.bits & TRAIT.special) !== 0) return this.#pass(asked, { fwd: 'bypass' });
    const entry = this.#store.get(asked.key);
    return entry instanceof Promise
      ? entry.then((found) => this.#found(asked, found))
      : this.#found(asked, entry);
  }

  #found(asked: Asked, entry: StoredEntry | undefined): Answer {
    if (entry?.kind !== 'variants')
      return this.#decide(asked, { names: undefined, key: asked.key, stored: entry });
    const key = variantKey(asked.key, entry, asked.request);
    const decide = (stored: StoredEntry | undefined): Answer =>
      this.#decide(asked, {
        names: entry.names,
        key,
        stored: stored?.kind === 'response' ? stored : undefined,
      });
    const variant = this.#store.get(key);
    return variant instanceof Promise ? variant.then(decide) : decide(variant);
  }

  #decide(asked: Asked, there: Found): Answer {
    const { request, traits } = asked;
    const found = this.#isInvalid(request, there) ? { ...there, stored: undefined } : there;
    const { stored } = found;
    if (stored === undefined) {
      if (isOnlyIfCached(asked)) return unavailable();
      return this.#fetch(asked, found, { fwd: found.names === undefined ? 'uri-miss' : 'vary-miss' });
    }
    if (!isFor(traits.bits, stored)) return this.#pass(asked, { fwd: 'request' });
    const nowMs = Date.now();
    const isFresh = nowMs < stored.freshUntilMs;
    const isTaken = (traits.bits & TRAIT.directives) === 0 || !wantsConfirmation(request, stored, nowMs);
    if (isFresh && isTaken) return this.#give(asked, stored);
    if (isTaken && nowMs < stored.revalidateUntilMs) {
      if (!this.#flights.has(found.key)) this.#refresh(asked, found);
      return this.#give(asked, stored);
    }
    if (isOnlyIfCached(asked)) return unavailable();
    return this.#fetch(asked, found, { fwd: isFresh ? 'request' : 'stale' });
  }

  #isInvalid({ target }: GatewayRequest, { stored }: Found): boolean {
    return stored !== undefined && this.#invalidations.has(target, stored.bornAtMs);
  }

  #give({ request, traits }: Asked, stored: StoredResponse, status?: CacheStatus): GatewayResponse {
    let served = this.#served.get(stored);
    if (served === undefined) {
      served = new ServedResponse(stored);
      this.#served.set(stored, served);
    }
    const response = status === undefined ? served.answer() : served.answerWith(status);
    return (traits.bits & TRAIT.conditional) === 0 ? response : this.#onCondition(request, response);
  }

  /** The client's own conditions: the application was asked without them. */
  #onCondition(request: GatewayRequest, response: GatewayResponse): GatewayResponse {
    if (!isUnmodified(request, response.head)) return response;
    const { body } = response;
    if (body.kind === 'stream' && body.source instanceof RecordedSource) body.source.detach();
    else disposeBody(body);
    return { head: unmodifiedHead(response.head), body: { kind: 'empty' } };
  }

  /** Asks the application, or waits for who does. */
  #fetch(asked: Asked, found: Found, status: CacheStatus): Answer {
    const { request } = asked;
    // The answer to HEAD is none to GET.
    if (request.method === 'HEAD') return this.#pass(asked, status);
    const isAlone = this.#isForOne(asked.traits) || this.#notShared.has(asked.key);
    const flight = this.#flights.get(found.key);
    if (isAlone || flight === undefined) return this.#lead(asked, found, { status, isAlone });
    if (flight.waiting >= MAX_WAITING) return this.#pass(asked, status);
    return flight.wait(request, MAX_WAIT_MS).then((stored) => {
      const names = stored === undefined ? [] : namesIn(stored.fields);
      const isOurs =
        stored !== undefined &&
        isFor(asked.traits.bits, stored) &&
        isSameVariant(names, request, flight.request);
      if (!isOurs) return this.#pass(asked, status);
      return this.#give(asked, stored, { ...status, collapsed: true });
    });
  }

  /** Whether an answer to it is hardly one for others. */
  #isForOne({ bits }: RequestTraits): boolean {
    const hasCookie = (bits & TRAIT.cookie) !== 0 && this.#options.defaultTtlMs !== undefined;
    return (bits & TRAIT.authenticated) !== 0 || hasCookie;
  }

  #lead(
    asked: Asked,
    found: Found,
    { status, isAlone }: { readonly status: CacheStatus; readonly isAlone: boolean },
  ): Answer {
    const { request } = asked;
    const flight = new Flight(request, () => {
      if (this.#flights.get(found.key) === flight) this.#flights.delete(found.key);
    });
    request.onAbort(() => flight.clientGone());
    if (!isAlone) this.#flights.set(found.key, flight);
    // For what is not shared, the conditions of its client save more than ours.
    if (!isAlone || found.stored !== undefined) flight.setConditions(found.stored);
    return this.#land({ ...asked, found, flight, status, requestedAtMs: Date.now() });
  }

  /** In the background: what is given meanwhile is stale. */
  #refresh(asked: Asked, found: Found): void {
    const flight = new Flight(asked.request, () => this.#flights.delete(found.key));
    this.#flights.set(found.key, flight);
    flight.request.method = 'GET';
    flight.setConditions(found.stored);
    const landing: Landing = { ...asked, found, flight, status: { fwd: 'stale' }, requestedAtMs: Date.now() };
    void Promise.resolve()
      .then(() => this.#land(landing))
      .then(({ body }) => {
        if (body.kind === 'stream' && body.source instanceof RecordedSource) body.source.detach();
        else disposeBody(body);
      })
      .catch((error: unknown) => {
        const { log, where } = this.#options;
        log.warn(`${where}: what is stale could not be refreshed: ${messageOf(error)}`);
      });
  }

  /** The application's answer to a flight. */
  #land(landing: Landing): Answer {
    const { next, flight } = landing;
    const failed = (error: unknown): GatewayResponse => this.#failed(landing, error);
    try {
      const answer = next(flight.request);
      return answer instanceof Promise
        ? answer.then((response) => this.#received(landing, response)).catch(failed)
        : this.#received(landing, answer);
    } catch (error) {
      return failed(error);
    }
  }

  #failed(landing: Landing, error: unknown): GatewayResponse {
    const { stored } = landing.found;
    const status = statusOfError(error);
    if (stored !== undefined && FAILURES.has(status) && Date.now() < stored.errorUntilMs)
      return this.#giveAgain(landing, stored, messageOf(error));
    // A refusal, or a page that is no more, is an answer as good as one that is not thrown.
    if (stored !== undefined && !FAILURES.has(status) && status !== CLIENT_GONE)
      this.#notStored(landing, status);
    landing.flight.settle(undefined);
    throw error;
  }

  #received(landing: Landing, response: GatewayResponse): Answer {
    const { found, flight, request } = landing;
    const { head, body } = response;
    const { stored } = found;
    if (stored !== undefined) {
      if (head.status === 304) {
        disposeBody(body);
        return this.#confirmed(landing, stored, head);
      }
      if (FAILURES.has(head.status) && Date.now() < stored.errorUntilMs) {
        disposeBody(body);
        return this.#giveAgain(landing, stored, `status ${head.status}`, { 'fwd-status': head.status });
      }
    }
    const kept = flight.isOutdated ? undefined : this.#storedHead(landing, head);
    const isShort = head.contentLength <= this.#options.maxEntryBytes;
    if (kept === undefined || !isShort || body.kind === 'file' || body.kind === 'tunnel') {
      this.#notStored(landing, head.status);
      return this.#onCondition(request, { head: this.#heads.withStatus(head, landing.status), body });
    }
    const recorded = this.#record(landing, kept, response);
    return this.#onCondition(request, recorded);
  }

  #record(landing: Landing, kept: StoredHead, { head, body }: GatewayResponse): GatewayResponse {
    const { flight, status } = landing;
    const storedToo = { head: this.#heads.withStatus(head, { ...status, stored: true }), body };
    const done = (bytes: Uint8Array | undefined): void => {
      const isComplete = bytes !== undefined && bytes.length <= this.#options.maxEntryBytes;
      if (isComplete && !flight.isOutdated) this.#keep(landing, { ...kept, kind: 'response', body: bytes });
      else flight.settle(undefined);
    };
    if (body.kind !== 'stream') {
      const bytes = body.kind === 'bytes' ? copyOf(body.bytes) : Buffer.alloc(0);
      done(head.contentLength === -1 || head.contentLength === bytes.length ? bytes : undefined);
      return storedToo;
    }
    const source = new RecordedSource({
      source: body.source,
      length: head.contentLength,
      maxBytes: this.#options.maxEntryBytes,
      maxDetachedMs: MAX_WAIT_MS,
      isAwaited: () => flight.waiting > 0,
      done,
    });
    flight.onAwaited(() => source.hurry());
    return { head: storedToo.head, body: { ...body, source } };
  }

  /** The stored answer is still right (RFC 9111 section 4.3.4). */
  #confirmed(landing: Landing, stored: StoredResponse, head: ResponseHead): Answer {
    const { request, flight, next } = landing;
    const [etag, held] = [head.field('etag'), firstValue(stored.fields, 'etag')];
    if (etag !== undefined && held !== undefined && !matchesWeakly(etag, held)) {
      // It speaks of another version: there is no telling what it confirms.
      this.#store.delete(landing.found.key);
      flight.settle(undefined);
      return next(request);
    }
    const merged = new ResponseHead(
      stored.status,
      freshenedFields(stored.fields, head.fields),
      stored.reason,
    );
    const kept = flight.isOutdated ? undefined : this.#storedHead(landing, merged);
    const now: StoredResponse = { ...stored, ...kept, fields: kept?.fields ?? merged.fields };
    if (kept === undefined) this.#notStored(landing, merged.status);
    else this.#keep(landing, now);
    return this.#give(landing, now, { ...landing.status, 'fwd-status': 304 });
  }

  #giveAgain(
    landing: Landing,
    stored: StoredResponse,
    failure: string,
    status: Pick<CacheStatus, 'fwd-status'> = {},
  ): GatewayResponse {
    const { log, where } = this.#options;
    log.warn(`${where}: a stale answer is given, because the application has failed: ${failure}`);
    landing.flight.settle(stored);
    return this.#give(landing, stored, { ...landing.status, ...status });
  }

  #storedHead({ request, traits, requestedAtMs }: Landing, head: ResponseHead): StoredHead | undefined {
    return storedHead({ request, bits: traits.bits, head, requestedAtMs }, this.#options);
  }

  #keep({ key, found, flight }: Landing, stored: StoredResponse): void {
    const names = namesIn(stored.fields);
    let at = key;
    if (names.length > 0) {
      const isKnown = found.names !== undefined && found.key !== key && names.join() === found.names.join();
      if (isKnown) at = found.key;
      else {
        const variants = { kind: 'variants', id: randomUUID(), names } as const;
        this.#store.set(key, variants);
        at = variantKey(key, variants, flight.request);
      }
    }
    this.#store.set(at, stored);
    this.#notShared.delete(key);
    flight.settle(stored);
  }

  #notStored({ key, found, flight, traits }: Landing, status: number): void {
    if (!this.#isForOne(traits)) this.#notShared.add(key);
    // What it had said before, it does not say any more.
    if (found.stored !== undefined && !FAILURES.has(status)) this.#store.delete(found.key);
    flight.settle(undefined);
  }

  /** To the application, and nothing of its answer is stored. */
  #pass({ request, next }: Pick<Asked, 'request' | 'next'>, status: CacheStatus): Answer {
    return changeAnswer(next(request), ({ head, body }) => ({
      head: this.#heads.withStatus(head, status),
      body,
    }));
  }

  /** Unsafe methods (RFC 9110 section 9.2.1) make what is stored invalid, if they succeed (RFC 9111 section 4.4). */
  #otherMethod(request: GatewayRequest, traits: RequestTraits, next: Handler): Answer {
    const { method } = request;
    if (method === 'OPTIONS' || method === 'TRACE') return this.#pass({ request, next }, { fwd: 'method' });
    return changeAnswer(this.#pass({ request, next }, { fwd: 'method' }), (response) => {
      const { status, fields } = response.head;
      if (status >= 200 && status < 400) {
        this.#invalidate(request.target, cacheKey(request, traits.keyed));
        for (const name of ['location', 'content-location']) {
          const target = ownTarget(request, firstValue(fields, name));
          if (target !== undefined) this.#invalidate(target, keyOfTarget(request, target, traits.keyed));
        }
      }
      return response;
    });
  }

  /** @param key of it, as who has changed it would ask for it: that answer makes room at once */
  #invalidate(target: string, key: string): void {
    this.#invalidations.add(target);
    for (const flight of this.#flights.values())
      if (isSameTarget(flight.request.target, target)) flight.isOutdated = true;
    this.#store.delete(key);
  }
}

/** A flight that the application is answering. */
interface Landing extends Asked {
  readonly found: Found;
  readonly flight: Flight;
  readonly status: CacheStatus;
  readonly requestedAtMs: number;
}

/** In Vary, lower case, in one order. */
function namesIn(fields: Fields): readonly string[] {
  const names = (combinedValue(fields, 'vary') ?? '').split(',').map((name) => name.trim().toLowerCase());
  return [...new Set(names)].filter((name) => name !== '').toSorted();
}

function isOnlyIfCached({ request, traits }: Asked): boolean {
  if ((traits.bits & TRAIT.directives) === 0) return false;
  return parseCacheControl(combinedValue(request.fields, 'cache-control') ?? '').has('only-if-cached');
}

/** RFC 9111 section 5.2.1.7. */
function unavailable(): GatewayResponse {
  return plainAnswer(504, 'It is not stored here.\n');
}

/** The application's memory is its own again. */
function copyOf(bytes: Buffer | string): Buffer {
  return typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes);
}
