/** A service for the tests of the control socket: records what it is told, and says what it is told to say. */
import { onTestFinished } from 'vitest';
import {
  type ControlSocket,
  type ControlSocketOptions,
  openControlSocket,
  type Steered,
} from '../../../src/service/control-server.js';
import type { ReloadOutcome, ServiceStatus } from '../../../src/service/status.js';
import type { Log, WorkerRange } from '../../../src/types.js';

export const sampleStatus: ServiceStatus = {
  version: '1.2.3',
  pid: 4711,
  state: 'ready',
  uptimeMs: 65_000,
  target: 'shop:app',
  listening: ['http://127.0.0.1:8000'],
  workers: { min: 1, max: 4 },
  lastReload: null,
  gateways: [],
};

export class FakeService implements Steered {
  readonly calls: unknown[] = [];
  status = (): Promise<ServiceStatus> => Promise.resolve(sampleStatus);
  outcome: Promise<ReloadOutcome> = Promise.resolve({ ok: true });
  scaleError: Error | undefined;

  reload(): Promise<ReloadOutcome> {
    this.calls.push('reload');
    return this.outcome;
  }

  scale(workers: WorkerRange): void {
    if (this.scaleError !== undefined) throw this.scaleError;
    this.calls.push(workers);
  }

  stop(quick: boolean): void {
    this.calls.push({ quick });
  }
}

/** Keeps what is logged, as `level: message`. */
export class FakeLog implements Log {
  readonly lines: string[] = [];

  debug(message: string): void {
    this.lines.push(`debug: ${message}`);
  }

  info(message: string): void {
    this.lines.push(`info: ${message}`);
  }

  warn(message: string): void {
    this.lines.push(`warn: ${message}`);
  }

  error(message: string): void {
    this.lines.push(`error: ${message}`);
  }
}

/** Opens a control socket that is closed when the test is over. */
export async function open(
  place: string,
  {
    steered = new FakeService(),
    log = new FakeLog(),
    ...options
  }: { steered?: Steered; log?: Log } & ControlSocketOptions = {},
): Promise<ControlSocket> {
  const control = await openControlSocket(place, steered, log, options);
  onTestFinished(() => control.close());
  return control;
}
