/**
 * One request to the application, and all that wait for its answer: the client that came first, and those that asked for the same since.
 *
 * It goes on for as long as one of them is there. Who waits gets what has been stored; or is told that there is nothing for others in it, and asks
 * the application itself. Where one has waited in vain, nobody waits any more.
 */
import { GatewayError } from '../../errors.js';
import { type AbortListeners, tellAborted, withAbortListener } from '../../http/abort-listeners.js';
import { DerivedRequest } from '../../http/derived-request.js';
import { firstValue, withoutFields } from '../../http/field-values.js';
import type { StoredResponse } from '../../http/stored-response.js';
import type { GatewayRequest, InputEndListener } from '../../types.js';

const CONDITIONS: ReadonlySet<string> = new Set(['if-none-match', 'if-modified-since']);

export class Flight {
  /** What the application sees. */
  readonly request: SharedRequest;
  /** Its answer may be older than what has changed since: it is not stored. */
  isOutdated = false;
  readonly #over: () => void;
  readonly #waiting = new Set<(stored: StoredResponse | undefined) => void>();
  #isSettled = false;
  #hasClient = true;
  #awaited: (() => void) | undefined;

  /** @param over called once, when nobody can join any more */
  constructor(request: GatewayRequest, over: () => void) {
    this.request = new SharedRequest(request, () => this.#waiting.size > 0);
    this.#over = over;
  }

  /** The conditions that the application can confirm what is stored by, in the place of those of a client. */
  setConditions(stored: StoredResponse | undefined): void {
    const { request } = this;
    request.fields = withoutFields(request.fields, CONDITIONS);
    if (stored === undefined) return;
    const etag = firstValue(stored.fields, 'etag');
    const modified = firstValue(stored.fields, 'last-modified');
    request.fields = [
      ...request.fields,
      ...(etag === undefined ? [] : ['If-None-Match', etag]),
      ...(modified === undefined ? [] : ['If-Modified-Since', modified]),
    ];
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** @returns undefined if its answer is for one client only, failed, was not complete, or takes too long */
  wait(request: GatewayRequest, atMostMs: number): Promise<StoredResponse | undefined> {
    return new Promise((resolve, reject) => {
      const settle = (stored: StoredResponse | undefined): void => {
        clearTimeout(timer);
        this.#waiting.delete(settle);
        resolve(stored);
      };
      const timer = setTimeout(() => this.settle(undefined), atMostMs);
      this.#waiting.add(settle);
      this.#awaited?.();
      request.onAbort(() => {
        if (!this.#waiting.has(settle)) return;
        reject(new GatewayError(503, 'XGI_CACHE_WAIT', 'the client has gone while it waited'));
        settle(undefined);
        this.#giveUp();
      });
    });
  }

  /** @param listener called whenever somebody begins to wait; at once if somebody does so already */
  onAwaited(listener: () => void): void {
    this.#awaited = listener;
    if (this.#waiting.size > 0) listener();
  }

  /** The client that came first. */
  clientGone(): void {
    this.#hasClient = false;
    this.#giveUp();
  }

  /** For all that wait. */
  settle(stored: StoredResponse | undefined): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#over();
    for (const settle of this.#waiting) settle(stored);
  }

  #giveUp(): void {
    if (this.#hasClient || this.#waiting.size > 0) return;
    this.settle(undefined);
    this.request.abandon();
  }
}

/** A request that outlives its client. */
class SharedRequest extends DerivedRequest {
  readonly #isAwaited: () => boolean;
  #listeners: AbortListeners;
  #isAbandoned = false;

  constructor(whole: GatewayRequest, isAwaited: () => boolean) {
    super(whole);
    this.#isAwaited = isAwaited;
  }

  override onAbort(listener: () => void): void {
    if (this.#isAbandoned) listener();
    else this.#listeners = withAbortListener(this.#listeners, listener);
  }

  /** What the client that came first does with its connection counts for as long as nobody else waits. */
  override onInputEnd(listener: InputEndListener): void {
    this.whole.onInputEnd({
      inputEnded: () => {
        if (!this.#isAwaited()) listener.inputEnded();
      },
    });
  }

  abandon(): void {
    this.#isAbandoned = true;
    tellAborted(this.#listeners);
  }
}
