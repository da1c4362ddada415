/** The steps of a reload, with gateways that note what they are told. */
import { beforeEach, expect, test } from 'vitest';
import type { ResolvedConfig } from '../../../src/config/resolve.js';
import { BootError, ConfigError, XgiError } from '../../../src/errors.js';
import type { Gateway } from '../../../src/service/gateway.js';
import { Reload, type ReloadOptions } from '../../../src/service/reload.js';
import type { ReloadOutcome } from '../../../src/service/status.js';
import { FakeLog } from './steered.js';

const CONFIG = { target: 'shop:app' } as ResolvedConfig;

let told: string[];
let log: FakeLog;

beforeEach(() => {
  told = [];
  log = new FakeLog();
});

class FakeGateway {
  readonly pid: number;
  readonly #name: string;
  stageWith: () => Promise<void> = () => Promise.resolve();
  outcome: ReloadOutcome = { ok: true };

  constructor(name: string, pid: number) {
    this.#name = name;
    this.pid = pid;
  }

  stage(): Promise<void> {
    told.push(`${this.#name} stage`);
    return this.stageWith();
  }

  reload(): Promise<ReloadOutcome> {
    told.push(`${this.#name} reload`);
    return Promise.resolve(this.outcome);
  }

  apply(): void {
    told.push(`${this.#name} apply`);
  }

  discard(): void {
    told.push(`${this.#name} discard`);
  }
}

function create(options: Partial<ReloadOptions> = {}): {
  first: FakeGateway;
  second: FakeGateway;
  reload: Reload;
} {
  const [first, second] = [new FakeGateway('first', 1), new FakeGateway('second', 2)];
  const reload = new Reload({
    local: first as unknown as Gateway,
    others: [second as unknown as ReloadOptions['others'][number]],
    reread: () => Promise.resolve({ config: CONFIG, explain: (error) => error }),
    secure: () => Promise.resolve(void told.push('secure')),
    onChange: (config) => told.push(`change to ${config.target}`),
    log,
    ...options,
  });
  return { first, second, reload };
}

test('each step in all, the first ahead; what counts has changed before the routes do', async () => {
  expect(await create().reload.run()).toBe('reloaded');
  expect(told).toEqual([
    'secure',
    'first stage',
    'second stage',
    'first reload',
    'second reload',
    'change to shop:app',
    'first apply',
    'second apply',
  ]);
});

test('without a file: the code alone', async () => {
  expect(await create({ reread: undefined }).reload.run()).toBe('reloaded');
  expect(told).toEqual(['secure', 'first reload', 'second reload']);
});

test('a file that is wrong: nothing else is done, not even certificates are read', async () => {
  const reread = () => Promise.reject(new ConfigError('XGI_CONFIG_KEY', 'wrokers: there is no such setting'));
  const result = await create({ reread }).reload.run();
  expect(result).toEqual({
    code: 'XGI_CONFIG_KEY',
    message: 'wrokers: there is no such setting',
    traceback: '',
  });
  expect(told).toEqual(['first discard', 'second discard']);
  expect(log.lines).toEqual([
    'error: XGI_RELOAD_CONFIG: nothing is changed, the old configuration goes on: XGI_CONFIG_KEY: wrokers: there is no such setting',
  ]);
});

test('what the first finds out about the file is shown as what is wrong with the file', async () => {
  const explain = (error: unknown): unknown => {
    const { code, message, detail } = error as BootError;
    return new BootError(code, `${message}\n\n  the line`, detail === undefined ? {} : { detail });
  };
  const { first, reload } = create({ reread: () => Promise.resolve({ config: CONFIG, explain }) });
  first.stageWith = () => Promise.reject(new BootError('XGI_MIDDLEWARE_LOAD', 'no', { detail: 'a stack' }));
  expect(await reload.run()).toEqual({
    code: 'XGI_MIDDLEWARE_LOAD',
    message: 'no\n\n  the line',
    traceback: 'a stack',
  });
});

test('what the first cannot start, no other tries', async () => {
  const { first, reload } = create();
  first.stageWith = () => Promise.reject(new BootError('XGI_APP_RAISED', 'no', { detail: 'Traceback' }));
  expect(await reload.run()).toEqual({ code: 'XGI_APP_RAISED', message: 'no', traceback: 'Traceback' });
  expect(told).toEqual(['secure', 'first stage', 'first discard', 'second discard']);
});

test('code that cannot be loaded: that of other applications may be new, and the log does not deny it', async () => {
  const { first, reload } = create();
  const failure = { code: 'XGI_APP_RAISED', message: 'application shop: no', traceback: '' };
  first.outcome = { ok: false, failure };
  expect(await reload.run()).toEqual(failure);
  expect(log.lines).toEqual([
    'error: XGI_RELOAD_CONFIG: the old configuration goes on, and the old code of what could not be loaded: XGI_APP_RAISED: application shop: no',
  ]);
});

test('a gateway that ends meanwhile: no routes change in any', async () => {
  const { second, reload } = create();
  second.stageWith = () =>
    Promise.reject(new XgiError('XGI_GATEWAY_EXIT', 'a gateway process ended: SIGKILL'));
  expect(await reload.run()).toMatchObject({
    code: 'XGI_GATEWAY_EXIT',
    message: 'gateway 2: a gateway process ended: SIGKILL',
  });
  expect(told).toEqual(['secure', 'first stage', 'second stage', 'first discard', 'second discard']);
});

test('code that only the second cannot load: partial, and told by who asked', async () => {
  const { second, reload } = create();
  second.outcome = { ok: false, failure: { code: 'XGI_APP_RAISED', message: 'no', traceback: '' } };
  expect(await reload.run()).toMatchObject({ code: 'XGI_RELOAD_PARTIAL' });
  expect(told.slice(-2)).toEqual(['first discard', 'second discard']);
  expect(log.lines).toEqual([]);
});

test('cancelled while it waits: what it had started is stopped, and it says nothing more', async () => {
  const { first, reload } = create();
  let release = (): void => {};
  first.stageWith = () => new Promise((resolve) => (release = resolve));
  const result = reload.run();
  await expect.poll(() => reload.isStaging).toBe(true);
  reload.cancel();
  release();
  expect(await result).toBeUndefined();
  expect(told).toEqual(['secure', 'first stage', 'first discard', 'second discard']);
  expect(log.lines).toEqual([]);
});
