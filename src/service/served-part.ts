/** One application of a site, and the requests that it has not answered yet. */
import type { ResolvedConfig } from '../config/resolve.js';
import type { GatewayRequest, GatewayResponse } from '../types.js';
import type { Application } from './application.js';

export class ServedPart {
  readonly config: ResolvedConfig;
  readonly application: Application;
  #unanswered = 0;
  #whenAnswered: (() => void) | undefined;
  readonly #settled = (): void => {
    this.#unanswered -= 1;
    if (this.#unanswered === 0) this.#whenAnswered?.();
  };

  constructor(config: ResolvedConfig, application: Application) {
    this.config = config;
    this.application = application;
  }

  handle(request: GatewayRequest): GatewayResponse | Promise<GatewayResponse> {
    const answer = this.application.handler(request);
    if (answer instanceof Promise) {
      this.#unanswered += 1;
      answer.then(this.#settled, this.#settled);
    }
    return answer;
  }

  /**
   * No request is handed to it any more. What it has is answered, then it is stopped, as an application that is stopped
   * refuses what still waits; both within the grace period.
   */
  async retire(): Promise<void> {
    const graceMs = this.config.gracefulTimeoutMs;
    const beganAtMs = performance.now();
    if (this.#unanswered > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs);
        this.#whenAnswered = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    await this.application.stop(Math.max(0, graceMs - (performance.now() - beganAtMs)));
  }
}
