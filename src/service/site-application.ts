/**
 * Several applications behind a table of routes; or one, with middleware in front of it, or with a configuration that can change. In one
 * gateway: reload.ts has all of them take the same steps.
 *
 *  1. `stage` starts the applications that are new, or configured otherwise, beside the old ones, and loads the middleware;
 *  2. `reload` loads the code of the others anew;
 *  3. `apply` puts the new table of routes, and the middleware, in the place of the old ones, between two requests, and retires what is
 *     not wanted any more: it finishes what it was given. Or `discard` stops what was staged, and nothing has changed.
 */
import { isDeepStrictEqual } from 'node:util';
import type { ResolvedConfig } from '../config/resolve.js';
import type { SiteConfig } from '../config/site.js';
import { BootError, ConfigError, XgiError } from '../errors.js';
import { formatReceived } from '../errors/received.js';
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

/** What is to take the place of what serves. */
interface Staged {
  readonly parts: Parts;
  /** Those that do not serve yet. */
  readonly fresh: ReadonlyMap<string, ServedPart>;
  /** undefined until they can. */
  front: SiteFront | undefined;
}

export class SiteApplication implements Application {
  readonly handler: Handler = (request) =>
    this.#front === undefined
      ? this.#started.then(({ handler }) => handler(request))
      : this.#front.handler(request);
  readonly #options: SiteApplicationOptions;
  #parts: Parts;
  #front: SiteFront | undefined;
  /** Those that answers still come through. */
  readonly #retiring = new Set<SiteFront>();
  /** What comes before the start waits for it. */
  readonly #started: Promise<SiteFront>;
  #begin!: (front: Promise<SiteFront>) => void;
  /** Resolves when `start` is over, however. */
  readonly #booted: Promise<void>;
  #endBoot: () => void = () => {};
  /** How many configurations there have been. */
  #generation = 1;
  #staged: Staged | undefined;
  /** Applications that are staged, or that finish their work. They are stopped with the rest. */
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
    this.#booted = new Promise((resolve) => (this.#endBoot = resolve));
  }

  async prepare(): Promise<void> {
    for (const { application } of this.#parts.values()) await application.prepare();
  }

  /** @throws BootError that names the application, or the middleware; ConfigError for middleware that cannot be used */
  async start(): Promise<void> {
    const { config, log } = this.#options;
    try {
      const front = SiteFront.create({ config, site: siteOf(config), parts: this.#parts, log });
      this.#begin(front);
      this.#front = await front;
      await Promise.all([...this.#parts].map(([name, part]) => startPart(name, part)));
    } finally {
      this.#endBoot();
    }
  }

  /**
   * Starts what that configuration has and the present one has not. Nothing that serves changes.
   *
   * @throws BootError that names the application, or the middleware; ConfigError; and if it was discarded meanwhile
   */
  async stage(config: ResolvedConfig): Promise<void> {
    this.discard();
    // What is being started cannot be compared, nor retired.
    await this.#booted;
    const site = siteOf(config);
    const fresh = new Map<string, ServedPart>();
    const parts = new Map<string, ServedPart>();
    for (const [name, app] of site.apps) {
      const old = this.#parts.get(name);
      const isSame = old !== undefined && isSameConfig(old.config, app);
      const part = isSame ? old : this.#createPart(app);
      parts.set(name, part);
      if (!isSame) fresh.set(name, part);
    }
    const staged: Staged = { parts, fresh, front: undefined };
    this.#staged = staged;
    for (const part of fresh.values()) this.#besides.add(part);
    await Promise.all(
      [...fresh].map(async ([name, part]) => {
        await part.application.prepare();
        await startPart(name, part);
      }),
    );
    const front = await SiteFront.create({ config, site, parts, log: this.#options.log });
    if (this.#staged === staged && !this.#stopping) {
      staged.front = front;
      return;
    }
    await front.retire(0);
    throw new XgiError('XGI_STOPPING', 'what the reload had started is being stopped');
  }

  /** The code of what is there now and stays. */
  async reload(): Promise<ReloadOutcome> {
    const { parts, fresh } = this.#staged ?? { parts: this.#parts, fresh: undefined };
    const old = [...parts].filter(([name]) => fresh?.has(name) !== true);
    const outcomes = await Promise.all(old.map(([, { application }]) => application.reload()));
    for (const [i, [name]] of old.entries()) {
      const outcome = outcomes[i]!;
      if (!outcome.ok) return { ok: false, failure: nameFailure(name, outcome.failure) };
    }
    return { ok: true };
  }

  apply(): void {
    const { parts, fresh, front } = this.#staged ?? {};
    if (parts === undefined || fresh === undefined || front === undefined || this.#stopping) return;
    this.#staged = undefined;
    const kept = new Set(parts.values());
    const retired = [...this.#parts.values()].filter((part) => !kept.has(part));
    this.#parts = parts;
    if (this.#front !== undefined) void this.#retire(this.#front);
    this.#front = front;
    this.#generation += 1;
    for (const part of fresh.values()) this.#besides.delete(part);
    for (const part of retired) {
      this.#besides.add(part);
      void this.#dispose(part, part.retire());
    }
  }

  discard(): void {
    const staged = this.#staged;
    this.#staged = undefined;
    void staged?.front?.retire(0);
    for (const part of staged?.fresh.values() ?? []) void this.#dispose(part, part.application.stop(0));
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
    const received = name === undefined ? 'none' : formatReceived(name);
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
      bootFailure: findBootFailure(all),
      workers: all.flatMap(({ name, status }) => status.workers.map((worker) => withName(worker, name))),
      totals,
    };
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    const all = [...this.#parts.values(), ...this.#besides];
    await Promise.all(all.map(({ application }) => application.stop(graceMs)));
    const fronts = [this.#front, this.#staged?.front, ...this.#retiring];
    await Promise.all(fronts.map((front) => front?.retire(0)));
  }

  #createPart(config: ResolvedConfig): ServedPart {
    const { create, ...shared } = this.#options;
    return new ServedPart(config, create({ ...shared, config, route: this.handler }));
  }

  async #retire(front: SiteFront): Promise<void> {
    this.#retiring.add(front);
    await front.retire(this.#options.config.gracefulTimeoutMs);
    this.#retiring.delete(front);
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

/** Whether an application can go on as it is. Its middleware is not its own affair, but that of what stands in front of it. */
export function isSameConfig(a: ResolvedConfig, b: ResolvedConfig): boolean {
  return isDeepStrictEqual(comparable(a), comparable(b));
}

/** Where a setting stands is not what it is: a comment above it changes nothing. */
function comparable(config: ResolvedConfig): object {
  const wsgiMiddleware = config.wsgiMiddleware.map(({ target, options }) => ({ target, options }));
  return { ...config, middleware: null, wsgiMiddleware };
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

/** The first, which names its application. */
function findBootFailure(
  all: readonly { readonly name: string; readonly status: PoolStatus }[],
): FailureStatus | null {
  const failing = all.find(({ status }) => status.bootFailure !== null);
  return failing === undefined ? null : nameFailure(failing.name, failing.status.bootFailure!);
}

function nameFailure(name: string, failure: FailureStatus): FailureStatus {
  return { ...failure, message: nameIt(name, failure.message) };
}

function withName(worker: WorkerStatus, name: string): WorkerStatus {
  return name === '' ? worker : { ...worker, application: name };
}
