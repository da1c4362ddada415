/** Requests that wait where no thread of an application is ready, first come, first served. */
import type { GatewayRequest, GatewayResponse } from '../../../types.js';
import { clientGone } from '../../client-gone.js';

interface Waiting {
  readonly request: GatewayRequest;
  readonly sinceMs: number;
  readonly resolve: (response: Promise<GatewayResponse>) => void;
  readonly reject: (error: Error) => void;
}

export class WaitingRequests {
  readonly #waiting = new Set<Waiting>();

  get size(): number {
    return this.#waiting.size;
  }

  /** How long the first has waited; 0 for none. */
  oldestMs(nowMs: number): number {
    const [first] = this.#waiting;
    return first === undefined ? 0 : Math.round(nowMs - first.sinceMs);
  }

  /** Resolves with the answer of who takes it. A client that goes takes it back. */
  add(request: GatewayRequest): Promise<GatewayResponse> {
    return new Promise((resolve, reject) => {
      const one = { request, sinceMs: performance.now(), resolve, reject };
      this.#waiting.add(one);
      request.onAbort(() => {
        this.#waiting.delete(one);
        reject(clientGone());
      });
    });
  }

  /** Hands them out. @param take answers a request; undefined ends it */
  serve(take: () => ((request: GatewayRequest) => Promise<GatewayResponse>) | undefined): void {
    for (const one of this.#waiting) {
      const run = take();
      if (run === undefined) return;
      this.#waiting.delete(one);
      one.resolve(run(one.request));
    }
  }

  /** @returns how many have waited for so long. They are refused */
  refuseLate(nowMs: number, waitMs: number, why: () => Error): number {
    let count = 0;
    for (const one of this.#waiting) {
      if (nowMs - one.sinceMs < waitMs) break;
      this.#waiting.delete(one);
      one.reject(why());
      count += 1;
    }
    return count;
  }

  refuseAll(why: () => Error): void {
    for (const one of this.#waiting) one.reject(why());
    this.#waiting.clear();
  }
}
