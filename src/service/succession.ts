/** SIGUSR2: a successor is started beside this service, and takes its place. One that does not serve changes nothing. */
import type { ResolvedConfig } from '../config/resolve.js';
import type { Notifier } from '../process/notify.js';
import type { Log } from '../types.js';
import { startSuccessor } from './handover.js';
import type { Interruption } from './interruption.js';
import type { LocalGateway } from './local-gateway.js';
import type { Steering } from './steering.js';

export interface SuccessionOptions {
  readonly config: ResolvedConfig;
  /** Where the user has started this process. */
  readonly cwd: string;
  /** Has what a successor inherits. */
  readonly local: LocalGateway;
  readonly interruption: Interruption;
  readonly steering: Steering;
  readonly notifier: Notifier | undefined;
  readonly log: Log;
  /** Lets go of what only one of the two can have. */
  readonly release: () => Promise<void>;
}

export class Succession {
  readonly #options: SuccessionOptions;
  readonly #wasRoot = process.geteuid!() === 0;
  /** Ends the start of a successor. */
  readonly #stopping = new AbortController();
  #upgrading = false;

  constructor(options: SuccessionOptions) {
    this.#options = options;
  }

  /** Starts our successor; this service ends when it serves. */
  async handOver(): Promise<void> {
    const { cwd, local, interruption, notifier, log, release } = this.#options;
    const reason = this.#whyNoSuccessor();
    if (reason !== undefined) {
      log.warn(`XGI_HANDOVER: no successor is started: ${reason}`);
      return;
    }
    this.#upgrading = true;
    log.info('Starting a successor');
    const env = { ...process.env, ...notifier?.successorEnv };
    try {
      const { inheritance } = local;
      const { signal } = this.#stopping;
      const successor = await startSuccessor({ inheritance, env, cwd, signal });
      if (interruption.hasBegun) return;
      log.info(`Handing over to ${successor.pid}`);
      notifier?.mainPid(successor.pid);
      interruption.interrupt('successor');
      await release();
      successor.release();
    } catch (error) {
      if (interruption.hasBegun) return;
      log.error(
        `XGI_HANDOVER: the successor does not serve: ${(error as Error).message}; this process goes on`,
      );
    } finally {
      this.#upgrading = false;
    }
  }

  #whyNoSuccessor(): string | undefined {
    const { config, interruption, steering } = this.#options;
    if (this.#upgrading) return 'one is being started already';
    if (interruption.hasBegun) return 'this process is being stopped';
    if (!steering.isServing) return 'this process does not serve yet';
    const applications = applicationsOf(config);
    if (applications.some(({ cgi }) => cgi?.user))
      return 'it would have to be root for --cgi-user; restart xgi instead';
    if (this.#wasRoot && applications.some(({ hasOwnUser }) => hasOwnUser))
      return 'it would have to be root for applications with a user of their own; restart xgi instead';
    // The end of process 1 is the end of its container, successor and all.
    return process.pid === 1 ? 'this is process 1 of a container, which ends with it' : undefined;
  }

  /** None is started any more; one that is just starting is ended. */
  stop(): void {
    this.#stopping.abort();
  }
}

function applicationsOf(config: ResolvedConfig): readonly ResolvedConfig[] {
  return config.site === null ? [config] : [...config.site.apps.values()];
}
