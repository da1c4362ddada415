/**
 * Several applications behind a table of routes; or one, with a configuration that can be read again.
 *
 * A reload:
 *
 *  1. reads the configuration. What is wrong with it changes nothing;
 *  2. starts the applications that are new, or configured otherwise, beside the old ones. If one cannot be started, the new ones
 *     are stopped, and nothing has changed;
 *  3. reloads the code of the others, which keep their workers until then. If that of one cannot be loaded, as before;
 *  4. puts the new table of routes, and the middleware, in the place of the old ones, between two requests;
 *  5. retires what is not wanted any more: it finishes what it was given.
 */
import { isDeepStrictEqual } from 'node:util';
import type { ResolvedConfig } from '../config/resolve.js';
import type { SiteConfig } from '../config/site.js';
import { BootError, ConfigError, XgiError } from '../errors.js';
import { ANY_PATH } from '../routing/path-pattern.js';
import type { Handler, WorkerRange } from '../types.js';
import type { FailureStatus, PoolStatus, WorkerStatus } from '../workers/status.js';
import type { Application, ApplicationOptions } from './application.js';
import { ServedPart } from './served-part.js';
import { type Parts, SiteFront } from './site-front.js';
import type { ReloadOutcome } from './status.js';

export interface SiteApplicationOptions extends ApplicationOptions {
  /** Makes an application of the site. */
  readonly create: (options: ApplicationOptions) => Application;
}

const STOPPING = { code: 'XGI_STOPPING', message: 'the server is being stopped', traceback: '' };

export class SiteApplication implements Application {
  readonly handler: Handler = (request) =>
    this.#front === undefined
      ? this.#started.then(({ handler }) => handler(request))
      : this.#front.handler(request);
  readonly #options: SiteApplicationOptions;
  #parts: Parts;
  #front: SiteFront | undefined;
  /** What comes before the start waits for it. */
  readonly #started: Promise<SiteFront>;
  #begin!: (front: Promise<SiteFront>) => void;
  /** How many configurations there have been. */
  #generation = 1;
  #reload: Promise<unknown> = Promise.resolve();
  /** Applications that a reload starts, or that finish their work. They are stopped with the rest. */
  readonly #besides = new Set<ServedPart>();
  #stopping = false;

  constructor(options: SiteApplicationOptions) {
    this.#options = options;
    const { config } = options;
    this.#parts = new Map([...siteOf(config).apps].map(([name, app]) => [name, this.#createPart(app)]));
    this.#started = new Promise((resolve) => {
      this.#begin = resolve;
    });
    this.#started.catch(() => {});
  }

  async prepare(): Promise<void> {
    for (const { application } of this.#parts.values()) await application.prepare();
  }

  /** @throws BootError that names the application, or the middleware; ConfigError for middleware that cannot be used */
  async start(): Promise<void> {
    const { config, log } = this.#options;
    const front = SiteFront.create({ config, site: siteOf(config), parts: this.#parts, log });
    this.#begin(front);
    this.#front = await front;
    await Promise.all([...this.#parts].map(([name, part]) => startPart(name, part)));
  }

  /** One after the other. */
  reload(): Promise<ReloadOutcome> {
    const outcome = this.#reload.then(() => this.#reloadNow());
    this.#reload = outcome.catch(() => {});
    return outcome;
  }

  /** @throws ConfigError if there are several applications and none is named, or none of that name */
  scale(workers: WorkerRange, name?: string): void {
    const names = [...this.#parts.keys()];
    const part =
      name === undefined && names.length === 1 ? this.#parts.get(names[0]!) : this.#parts.get(name ?? '');
    if (part !== undefined) {
      part.application.scale(workers);
      return;
    }
    const received = name === undefined ? 'none' : JSON.stringify(name);
    throw new ConfigError(
      'XGI_CONFIG_VALUE',
      `app: expected the name of an application (${names.join(', ')}), received ${received}`,
    );
  }

  status(): PoolStatus {
    const all = [...this.#parts].map(([name, { application }]) => ({ name, status: application.status() }));
    const statuses = all.map(({ status }) => status);
    const sum = (count: (status: PoolStatus) => number): number =>
      statuses.reduce((total, status) => total + count(status), 0);
    const totals = {} as Record<keyof PoolStatus['totals'], number>;
    for (const key of TOTALS) totals[key] = sum((status) => status.totals[key]);
    return {
      generation: this.#generation,
      queue: {
        waiting: sum(({ queue }) => queue.waiting),
        oldestMs: Math.max(0, ...statuses.map(({ queue }) => queue.oldestMs)),
      },
      bootFailure: statuses.find(({ bootFailure }) => bootFailure !== null)?.bootFailure ?? null,
      workers: all.flatMap(({ name, status }) => status.workers.map((worker) => withName(worker, name))),
      totals,
    };
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    const all = [...this.#parts.values(), ...this.#besides];
    await Promise.all(all.map(({ application }) => application.stop(graceMs)));
    await this.#front?.retire(0);
  }

  #createPart(config: ResolvedConfig): ServedPart {
    const { create, config: whole, workers, ...shared } = this.#options;
    const own = config === whole ? workers : config.workers;
    return new ServedPart(config, create({ ...shared, config, workers: own, route: this.handler }));
  }

  async #reloadNow(): Promise<ReloadOutcome> {
    if (this.#stopping) return { ok: false, failure: STOPPING };
    const begun = new Set<ServedPart>();
    let front: SiteFront | undefined;
    try {
      const config = (await this.#options.reread?.()) ?? this.#options.config;
      const site = siteOf(config);
      const parts = await this.#startChanged(site, begun);
      // Middleware may not load, so before anything else has changed.
      front = await SiteFront.create({ config, site, parts, log: this.#options.log });
      await this.#reloadCode(parts, begun);
      if (this.#stopping) throw new XgiError('XGI_STOPPING', STOPPING.message);
      this.#replace(parts, front, begun);
      return { ok: true };
    } catch (error) {
      await front?.retire(0);
      await Promise.all([...begun].map((part) => this.#dispose(part, part.application.stop(0))));
      const failure = describe(error);
      this.#options.log.error(
        `XGI_RELOAD_CONFIG: nothing is changed, the old configuration goes on: ${failure.code}: ${failure.message}`,
      );
      return { ok: false, failure };
    }
  }

  /** The parts as that site has them: those that are as before, and new ones, which are started. */
  async #startChanged({ apps }: SiteConfig, begun: Set<ServedPart>): Promise<Parts> {
    const parts = new Map<string, ServedPart>();
    for (const [name, config] of apps) {
      const old = this.#parts.get(name);
      const isSame = old !== undefined && isSameConfig(old.config, config);
      const part = isSame ? old : this.#createPart(config);
      parts.set(name, part);
      if (isSame) continue;
      begun.add(part);
      this.#besides.add(part);
    }
    const fresh = [...parts].filter(([, part]) => begun.has(part));
    await Promise.all(
      fresh.map(async ([name, part]) => {
        await part.application.prepare();
        await startPart(name, part);
      }),
    );
    return parts;
  }

  async #reloadCode(parts: Parts, begun: ReadonlySet<ServedPart>): Promise<void> {
    const old = [...parts].filter(([, part]) => !begun.has(part));
    const outcomes = await Promise.all(old.map(([, { application }]) => application.reload()));
    for (const [i, [name]] of old.entries()) {
      const outcome = outcomes[i]!;
      if (outcome.ok) continue;
      const { code, message, traceback } = outcome.failure;
      throw new BootError(code as XgiError['code'], nameIt(name, message), { detail: traceback });
    }
  }

  #replace(parts: Parts, front: SiteFront, begun: ReadonlySet<ServedPart>): void {
    const kept = new Set(parts.values());
    const retired = [...this.#parts.values()].filter((part) => !kept.has(part));
    this.#parts = parts;
    void this.#front?.retire(this.#options.config.gracefulTimeoutMs);
    this.#front = front;
    this.#generation += 1;
    for (const part of begun) this.#besides.delete(part);
    for (const part of retired) {
      this.#besides.add(part);
      void this.#dispose(part, part.retire());
    }
  }

  async #dispose(part: ServedPart, stopped: Promise<void>): Promise<void> {
    await stopped.finally(() => this.#besides.delete(part));
  }
}

const TOTALS = ['requests', 'timeouts', 'queueTimeouts', 'died', 'booted', 'crashed', 'recycled'] as const;

/** One application alone has no name, and takes every request. */
export function siteOf(config: ResolvedConfig): SiteConfig {
  if (config.site !== null) return config.site;
  const rule = { host: null, path: ANY_PATH, mountDepth: 0, methods: null, fields: [] };
  const action = { kind: 'app', files: [], app: '' } as const;
  return { apps: new Map([['', config]]), routes: [{ rule, action, middleware: [], index: 0 }] };
}

/** Of the server, or in front of the application; never equal. */
const FUNCTIONS = { trustedProxies: null, proxyProtocol: null, middleware: null };

/** What the server alone uses is left out: it holds objects that equal nothing but themselves, and does not change. */
function isSameConfig(a: ResolvedConfig, b: ResolvedConfig): boolean {
  return isDeepStrictEqual({ ...a, ...FUNCTIONS }, { ...b, ...FUNCTIONS });
}

async function startPart(name: string, { application }: ServedPart): Promise<void> {
  try {
    await application.start();
  } catch (error) {
    if (!(error instanceof BootError)) throw error;
    const { code, message, detail } = error;
    throw new BootError(code, nameIt(name, message), detail === undefined ? {} : { detail });
  }
}

function nameIt(name: string, message: string): string {
  return name === '' ? message : `application ${name}: ${message}`;
}

function withName(worker: WorkerStatus, name: string): WorkerStatus {
  return name === '' ? worker : { ...worker, application: name };
}

function describe(error: unknown): FailureStatus {
  if (error instanceof XgiError)
    return { code: error.code, message: error.message, traceback: error.detail ?? '' };
  const { message, stack = '' } = error as Error;
  return { code: 'XGI_INTERNAL', message, traceback: stack };
}
