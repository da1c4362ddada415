/**
 * Several launchers as one. A launcher is held up while a program that it starts becomes one: with two on two cores, C programs are
 * answered 1.2 times as fast (docs/decisions/0005-cgi.md).
 */
import { GatewayError } from '../errors.js';
import { Launcher, type LauncherOptions } from './launcher.js';
import type { Run, Runner, RunnerStatus, RunOrder, RunOwner } from './runner.js';

export class Launchers implements Runner {
  readonly #launchers: readonly Launcher[];

  /** @param count at least 1 */
  constructor(count: number, options: LauncherOptions) {
    this.#launchers = Array.from({ length: count }, () => new Launcher(options));
  }

  set onReady(onReady: () => void) {
    for (const launcher of this.#launchers) launcher.onReady = onReady;
  }

  get isReady(): boolean {
    return this.#launchers.some(({ isReady }) => isReady);
  }

  async start(): Promise<void> {
    await Promise.all(this.#launchers.map((launcher) => launcher.start()));
  }

  /** By the one that runs the fewest, the first of these. */
  run(order: RunOrder, owner: RunOwner): Run {
    let least: Launcher | undefined;
    for (const launcher of this.#launchers)
      if (launcher.isReady && (least === undefined || launcher.running < least.running)) least = launcher;
    if (least === undefined)
      throw new GatewayError(503, 'XGI_CGI_LAUNCHER', 'there is no launcher at the moment');
    return least.run(order, owner);
  }

  reload(): void {
    for (const launcher of this.#launchers) launcher.reload();
  }

  async stop(graceMs: number): Promise<void> {
    await Promise.all(this.#launchers.map((launcher) => launcher.stop(graceMs)));
  }

  status(): RunnerStatus[] {
    return this.#launchers.flatMap((launcher) => launcher.status());
  }
}
