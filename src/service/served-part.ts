/** One application of a site, and the requests whose answers are not over yet. */
import type { ResolvedConfig } from '../config/resolve.js';
import type { Handler } from '../types.js';
import type { Application } from './application.js';
import { Unanswered } from './unanswered.js';

export class ServedPart {
  readonly config: ResolvedConfig;
  readonly application: Application;
  readonly #unanswered = new Unanswered();

  constructor(config: ResolvedConfig, application: Application) {
    this.config = config;
    this.application = application;
  }

  /** The same handler; what it has to answer counts, until the answer is over. @param handler the application's, behind the middleware of a route */
  counted(handler: Handler): Handler {
    return (request) => this.#unanswered.track(handler(request));
  }

  /**
   * No request is handed to it any more. What it has is answered, then it is stopped, as an application that is stopped
   * refuses what still waits; both within the grace period.
   */
  async retire(): Promise<void> {
    const graceMs = this.config.gracefulTimeoutMs;
    const beganAtMs = performance.now();
    await this.#unanswered.none(graceMs);
    await this.application.stop(Math.max(0, graceMs - (performance.now() - beganAtMs)));
  }
}
