/** Counts the requests whose answers are not over yet: those without a head, and those whose body is still being made. */
import { whenOver } from '../bodies/when-over.js';
import type { Answer } from '../middleware/answer.js';
import type { GatewayResponse } from '../types.js';

export class Unanswered {
  #count = 0;
  readonly #waiting = new Set<() => void>();
  readonly #over = (): void => {
    this.#count -= 1;
    if (this.#count === 0) for (const done of this.#waiting) done();
  };
  readonly #watch = (response: GatewayResponse): GatewayResponse => {
    // A handler in plain JavaScript may have answered with anything.
    if (response?.body?.kind === 'stream')
      return { head: response.head, body: whenOver(response.body, this.#over) };
    this.#over();
    return response;
  };
  readonly #failed = (error: unknown): never => {
    this.#over();
    throw error;
  };

  /** @returns the same answer, whose end is noticed */
  track(answer: Answer): Answer {
    this.#count += 1;
    return answer instanceof Promise ? answer.then(this.#watch, this.#failed) : this.#watch(answer);
  }

  /** Waits until there are none, not longer than that. */
  async none(atMostMs: number): Promise<void> {
    if (this.#count === 0) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, atMostMs);
      this.#waiting.add(done);
    });
  }
}
