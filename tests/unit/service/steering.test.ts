import { beforeEach, describe, expect, test } from 'vitest';
import { ConfigError } from '../../../src/errors.js';
import type { Notifier } from '../../../src/process/notify.js';
import type { Gateways } from '../../../src/service/gateways.js';
import type { GatewayStatus, ReloadOutcome } from '../../../src/service/status.js';
import { Steering } from '../../../src/service/steering.js';
import type { WorkerRange } from '../../../src/types.js';
import { FakeLog } from './steered.js';

const failure = { code: 'XGI_APP_RAISED', message: 'it raised', traceback: 'Traceback' };

class FakeGateways {
  workers: WorkerRange = { min: 2, max: 4 };
  applications = new Map([['', this.workers]]);
  gateways: readonly GatewayStatus[] = [];
  readonly reloads: ((outcome: ReloadOutcome) => void)[] = [];
  reopened = 0;

  reload(): Promise<ReloadOutcome> {
    return new Promise((resolve) => this.reloads.push(resolve));
  }

  scale(workers: WorkerRange): void {
    this.workers = workers;
  }

  status(): Promise<readonly GatewayStatus[]> {
    return Promise.resolve(this.gateways);
  }

  reopenLogs(): void {
    this.reopened++;
  }
}

class FakeNotifier {
  readonly told: string[] = [];

  ready(status: string): void {
    this.told.push(`ready: ${status}`);
  }

  reloading(): void {
    this.told.push('reloading');
  }
}

let gateways: FakeGateways;
let notifier: FakeNotifier;
let log: FakeLog;
let stops: boolean[];
let steering: Steering;

beforeEach(() => {
  gateways = new FakeGateways();
  notifier = new FakeNotifier();
  log = new FakeLog();
  stops = [];
  steering = new Steering({
    gateways: gateways as unknown as Gateways,
    gatewayCount: 2,
    version: '1.2.3',
    target: 'shop:app',
    log,
    notifier: notifier as unknown as Notifier,
    stop: (quick) => stops.push(quick),
  });
  steering.listening = ['http://127.0.0.1:8000'];
});

async function state(): Promise<string> {
  return (await steering.status()).state;
}

describe('the state', () => {
  test('of a life', async () => {
    expect(await state()).toBe('starting');
    steering.serving();
    expect(await state()).toBe('ready');
    expect(notifier.told).toEqual(['ready: Serving shop:app at http://127.0.0.1:8000']);
    steering.stopping();
    expect(await state()).toBe('stopping');
  });

  test('is reloading until the last reload is over', async () => {
    steering.serving();
    const both = [steering.reload(), steering.reload()];
    expect(await state()).toBe('reloading');
    gateways.reloads[0]!({ ok: true });
    await both[0];
    expect(await state()).toBe('reloading');
    gateways.reloads[1]!({ ok: true });
    await both[1];
    expect(await state()).toBe('ready');
    expect(notifier.told.slice(1)).toEqual(['reloading', 'ready: Reloaded']);
  });

  test('of a reload at the start, or at the end, is neither ready nor told so', async () => {
    const early = steering.reload();
    expect(await state()).toBe('starting');
    gateways.reloads[0]!({ ok: true });
    await early;
    steering.serving();
    const late = steering.reload();
    steering.stopping();
    expect(await state()).toBe('stopping');
    gateways.reloads[1]!({ ok: true });
    await late;
    expect(notifier.told.filter((line) => line.startsWith('ready: Reload'))).toEqual([]);
  });
});

test('the last reload is remembered, with its reason', async () => {
  steering.serving();
  expect((await steering.status()).lastReload).toBeNull();
  const reload = steering.reload();
  gateways.reloads[0]!({ ok: false, failure });
  expect(await reload).toEqual({ ok: false, failure });
  const { lastReload } = await steering.status();
  expect(lastReload).toMatchObject({ ok: false, failure });
  expect(Math.abs(Date.parse(lastReload!.at) - Date.now())).toBeLessThan(60_000);
  expect(notifier.told.at(-1)).toBe('ready: Reload failed, the old code serves: XGI_APP_RAISED');
  // The reason has been logged by who has found it.
  expect(log.lines).toEqual([expect.stringMatching(/Ready after/)]);
});

describe('scale', () => {
  test.each([
    [{ min: 1, max: 1 }, '1'],
    [{ min: 1, max: 8 }, '1..8'],
    [{ min: 4, max: 3 }, '4..3'],
    [{ min: 2, max: 1025 }, '2..1025'],
  ])('%j cannot be', (workers, text) => {
    expect(() => steering.scale(workers)).toThrow(ConfigError);
    expect(() => steering.scale(workers)).toThrow(
      `workers: expected 2 to 1024, one for each gateway at least, received ${text}`,
    );
    expect(gateways.workers).toEqual({ min: 2, max: 4 });
  });

  test('moves both ends by a step, as far as that can be', () => {
    steering.scaleBy(1);
    expect(gateways.workers).toEqual({ min: 3, max: 5 });
    steering.scaleBy(-1);
    steering.scaleBy(-1);
    expect(gateways.workers).toEqual({ min: 2, max: 4 });
    gateways.workers = { min: 1000, max: 1024 };
    steering.scaleBy(1);
    expect(gateways.workers).toEqual({ min: 1000, max: 1024 });
    expect(log.lines).toEqual([
      'info: Workers: 3..5',
      'info: Workers: 2..4',
      'warn: workers: expected 2 to 1024, one for each gateway at least, received 1..3',
      'warn: workers: expected 2 to 1024, one for each gateway at least, received 1001..1025',
    ]);
  });
});

test('stop and the logs are passed on', () => {
  steering.stop(true);
  steering.stop(false);
  steering.reopenLogs();
  expect([stops, gateways.reopened]).toEqual([[true, false], 1]);
});

test('is ready when each application has a worker that serves, in each gateway', async () => {
  const gateway = (...ready: readonly string[]): GatewayStatus =>
    ({ workers: ready.map((application) => ({ application, state: 'ready' })) }) as unknown as GatewayStatus;
  gateways.applications = new Map([
    ['shop', { min: 2, max: 2 }],
    ['blog', { min: 2, max: 2 }],
    ['files', { min: 0, max: 0 }],
  ]);
  steering.serving();
  gateways.gateways = [gateway('shop', 'blog'), gateway('blog', 'shop')];
  expect(await state()).toBe('ready');
  gateways.gateways = [gateway('shop', 'blog'), gateway('shop', 'shop')];
  expect(await state()).toBe('failing');
});
