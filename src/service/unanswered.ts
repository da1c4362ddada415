/** Counts the requests that something has not answered yet. */
import type { GatewayResponse } from '../types.js';

export class Unanswered {
  #count = 0;
  #whenNone: (() => void) | undefined;
  readonly #settled = (): void => {
    this.#count -= 1;
    if (this.#count === 0) this.#whenNone?.();
  };

  track(answer: GatewayResponse | Promise<GatewayResponse>): GatewayResponse | Promise<GatewayResponse> {
    if (answer instanceof Promise) {
      this.#count += 1;
      answer.then(this.#settled, this.#settled);
    }
    return answer;
  }

  /** Waits until there are none, not longer than that. */
  async none(atMostMs: number): Promise<void> {
    if (this.#count === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, atMostMs);
      this.#whenNone = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
