/**
 * The life of a service:
 *
 *  1. open the access log; read the certificates; listen on every endpoint, so that an address in use is found before anything is started; write the
 *     pid file; open the control socket; then give up root, if a user is named;
 *  2. boot the workers: requests that arrive meanwhile wait;
 *  3. serve until there is a cause to stop: TERM lets requests finish for the grace period, INT and QUIT for a second;
 *  4. stop accepting, drain the connections, then the workers; a second signal kills what is left;
 *  5. remove the pid file, write out the logs.
 *
 * A failure at any step goes on with step 4 without grace, then ends as the error says. A successor (handover.ts) boots its
 * workers before it listens, and has its pid file and its control socket when its predecessor has let go of them.
 */
import path from 'node:path';
import type { ResolvedConfig } from '../config/resolve.js';
import type { AccessLog } from '../observe/access-log.js';
import type { FormatLine } from '../observe/access-log-format.js';
import type { XgiError } from '../errors.js';
import { ProgramLog } from '../observe/program-log.js';
import { Notifier } from '../process/notify.js';
import { writePidFile } from '../process/pid-file.js';
import {
  checkReach,
  checkRoot,
  dropPrivileges,
  giveFile,
  isRootsOwn,
  openFor,
  resolvePrivileges,
} from '../process/privileges.js';
import type { SteeringSignal } from '../process/signals.js';
import { openAccessLog } from './access-log.js';
import { reachesOf, subjectOf } from './application.js';
import { describeSite } from './cgi-application.js';
import { openControlSocket, type ControlSocket } from './control-server.js';
import { watchExit } from './exit-watch.js';
import { Gateways } from './gateways.js';
import type { Predecessor } from './handover.js';
import { type Cause, Interruption } from './interruption.js';
import { LocalGateway } from './local-gateway.js';
import type { ReadConfig } from './reload.js';
import { describeFiles } from './static-application.js';
import { SourceWatch } from './source-watch.js';
import { Steering } from './steering.js';
import { Succession } from './succession.js';
import { loadTls, warnOfReach } from './tls.js';

export interface ServeOptions {
  readonly config: ResolvedConfig;
  /** Used if there is an access log. */
  readonly formatLine: FormatLine;
  readonly version: string;
  /** How a message names an option: `--user`. */
  readonly nameOf: (option: 'user' | 'group' | 'allowRoot') => string;
  /** Where the user has started this process. */
  readonly cwd: string;
  readonly predecessor: Predecessor | undefined;
  /** Reads the configuration file again; undefined if there is none. @throws ConfigError if it cannot be used */
  readonly reread: (() => Promise<ReadConfig>) | undefined;
}

const QUICK_STOP_MS = 1000;
const LOG_CLOSE_MS = 1000;

/**
 * Serves until it is told to stop.
 *
 * @returns the exit status: 0; or 1 after an exception that nothing caught, or if a second signal cut the end short
 * @throws ConfigError, ListenError, BootError or XgiError if it cannot start; nothing is left running then
 */
export async function serve(options: ServeOptions): Promise<number> {
  const service = new RunningService(options);
  try {
    await service.start();
    return await service.untilStopped();
  } catch (error) {
    await service.stop(0, false);
    throw error;
  } finally {
    await service.close();
  }
}

class RunningService {
  readonly #options: ServeOptions;
  readonly #log: ProgramLog;
  readonly #accessLog: AccessLog | undefined;
  readonly #privileges: ReturnType<typeof resolvePrivileges>;
  readonly #interruption: Interruption;
  readonly #notifier: Notifier | undefined;
  readonly #local: LocalGateway;
  readonly #gateways: Gateways;
  readonly #steering: Steering;
  readonly #succession: Succession;
  readonly #watch: SourceWatch | undefined;
  #control: ControlSocket | undefined;
  #removePidFile: () => void = () => {};
  #unwatchExit: () => void = () => {};

  constructor(options: ServeOptions) {
    const { config, formatLine, version, nameOf, cwd, reread } = options;
    this.#options = options;
    this.#log = new ProgramLog({ level: config.logLevel });
    this.#privileges = resolvePrivileges(config.privileges, { nameOf });
    const { allowRoot } = config.privileges;
    const subject = subjectOf(config);
    const rootWarning = checkRoot({ subject, privileges: this.#privileges, allowRoot, nameOf });
    const open = (): AccessLog | undefined => openAccessLog(config, formatLine, this.#log);
    const { file } = config.accessLog;
    const isFile = file !== null && file !== '-';
    this.#accessLog = isFile ? openFor(this.#privileges, file, open) : open();
    this.#interruption = new Interruption({ log: this.#log, steer: (signal) => this.#steer(signal) });
    this.#notifier = Notifier.open(process.env, config.python?.path, this.#log);
    this.#watch = this.#createWatch();
    const shared = {
      privileges: this.#privileges,
      onFiles: (paths: readonly string[]) => this.#watch?.add(paths),
      log: this.#log,
    };
    const onLost = (): void => this.#interruption.interrupt('lost');
    this.#local = new LocalGateway({
      ...shared,
      config,
      index: 0,
      version,
      onLost,
      canChange: reread !== undefined,
    });
    this.#gateways = new Gateways({
      ...shared,
      local: this.#local,
      config,
      version,
      reread,
      env: process.env,
      cwd,
      loadTls: async () => (config.tls === null ? null : await loadTls(config.tls, this.#log)),
    });
    this.#steering = new Steering({
      gateways: this.#gateways,
      gatewayCount: config.gateways,
      version,
      target: config.target,
      log: this.#log,
      notifier: this.#notifier,
      stop: (quick) => this.#interruption.interrupt(quick ? 'SIGINT' : 'SIGTERM'),
    });
    this.#succession = new Succession({
      config,
      cwd,
      local: this.#local,
      interruption: this.#interruption,
      steering: this.#steering,
      notifier: this.#notifier,
      log: this.#log,
      release: () => this.#release(),
    });
    this.#log.info(`Starting xgi ${version}`);
    if (rootWarning !== undefined) this.#log.warn(rootWarning);
    void options.predecessor?.stopping.then(() => {
      if (!this.#interruption.hasBegun) this.#interruption.interrupt('SIGTERM');
    });
  }

  async start(): Promise<void> {
    const { predecessor, config } = this.#options;
    this.#unwatchExit = watchExit({
      log: this.#log,
      stops: 'the gateway stops',
      release: () => void this.#release(),
    });
    await this.#gateways.secure();
    if (predecessor === undefined) {
      this.#announce(await this.#gateways.listen(config.endpoints));
      this.#writePidFile();
      // In a folder of the user's, root makes nothing.
      const { controlSocket } = config;
      const isLate =
        controlSocket !== null && controlSocket !== 'default' && !isRootsOwn(path.dirname(controlSocket));
      if (!isLate) await this.#openControl();
      await this.#local.prepare();
      this.#dropPrivileges();
      if (isLate) await this.#openControl();
      await this.#boot(() => this.#gateways.start());
    } else {
      this.#dropPrivileges();
      await this.#boot(() => this.#gateways.start(predecessor.inheritance));
      if (this.#interruption.hasBegun) return;
      this.#announce(await this.#gateways.listen(predecessor.inheritance.endpoints));
      await predecessor.replace();
      await this.#takeOver();
    }
    if (!this.#interruption.hasBegun) this.#steering.serving();
  }

  /** @returns the exit status */
  async untilStopped(): Promise<number> {
    const cause = await this.#interruption.first;
    this.#steering.stopping();
    this.#log.info(`Stopping: requests under way have ${this.#graceOf(cause) / 1000} s`);
    if (cause !== 'successor') {
      this.#succession.stop();
      this.#notifier?.stopping();
    }
    const complete = await this.stop(this.#graceOf(cause), cause === 'successor');
    if (complete) this.#log.info('Shutting down');
    return complete && cause !== 'exception' && cause !== 'lost' ? 0 : 1;
  }

  /** @returns false if a second signal came before the end */
  async stop(graceMs: number, handedOver: boolean): Promise<boolean> {
    await this.#watch?.close();
    const drained = this.#gateways.stop(graceMs, handedOver);
    const complete = await Promise.race([
      drained.then(() => true),
      this.#interruption.second.then(() => false),
    ]);
    if (complete) return true;
    this.#log.warn('Stopped at once, by a second signal: requests under way are lost');
    await this.#gateways.kill();
    return false;
  }

  async close(): Promise<void> {
    this.#unwatchExit();
    await this.#release();
    await this.#notifier?.close();
    await this.#accessLog?.close(LOG_CLOSE_MS);
    await this.#log.close(LOG_CLOSE_MS);
  }

  #graceOf(cause: Cause): number {
    const isGraceful = cause === 'SIGTERM' || cause === 'successor';
    return isGraceful ? this.#options.config.gracefulTimeoutMs : QUICK_STOP_MS;
  }

  #announce(urls: readonly string[]): void {
    const { config } = this.#options;
    this.#steering.listening = urls;
    if (config.cgi !== null) this.#log.info(`Serving CGI programs: ${describeSite(config.cgi)}`);
    if (config.files !== null) this.#log.info(`Serving static files: ${describeFiles(config.files)}`);
    for (const url of urls) this.#log.info(`Listening at: ${url} (${process.pid})`);
    if (config.site === null) this.#announceInterpreter(config);
    else for (const [name, app] of config.site.apps) this.#announceInterpreter(app, ` for ${name}`);
  }

  #announceInterpreter({ python }: ResolvedConfig, whom = ''): void {
    if (python !== null)
      this.#log.info(`Using interpreter${whom}: ${python.path} (Python ${python.version})`);
  }

  #writePidFile(): void {
    const { config, predecessor } = this.#options;
    if (config.pidFile === null) return;
    this.#removePidFile = writePidFile(config.pidFile, { predecessor: predecessor?.pid });
  }

  /** Of a successor. That it cannot have them is no reason to end: it serves, and its predecessor has gone. */
  async #takeOver(): Promise<void> {
    for (const take of [() => this.#writePidFile(), () => this.#openControl()]) {
      try {
        await take();
      } catch (error) {
        const { code, message } = error as XgiError;
        this.#log.warn(`${code}: ${message}; this process serves without`);
      }
    }
  }

  async #openControl(): Promise<void> {
    const { config, predecessor } = this.#options;
    if (config.controlSocket === null) return;
    const replaceLiving = predecessor !== undefined;
    this.#control = await openControlSocket(config.controlSocket, this.#steering, this.#log, {
      replaceLiving,
    });
  }

  /** The files that were opened as root, and are used later, go with it. */
  #dropPrivileges(): void {
    if (this.#control?.path) giveFile(this.#control.path, this.#privileges);
    dropPrivileges(this.#privileges);
    const { config } = this.#options;
    for (const reach of reachesOf(config)) checkReach(this.#privileges, reach);
    if (config.tls !== null) warnOfReach(config.tls, this.#log);
  }

  /** A signal may come before the end of the boot, which then fails as it should. */
  async #boot(start: () => Promise<void>): Promise<void> {
    const booted = start();
    booted.catch(() => {});
    await Promise.race([booted, this.#interruption.first]);
  }

  #createWatch(): SourceWatch | undefined {
    const { reloadOnChange } = this.#options.config;
    if (reloadOnChange === null) return undefined;
    return new SourceWatch({
      extraFiles: reloadOnChange.extraFiles,
      log: this.#log,
      onChange: () => void this.#steering.reload(),
    });
  }

  #steer(signal: SteeringSignal): void {
    switch (signal) {
      case 'SIGHUP':
        void this.#steering.reload();
        return;
      case 'SIGUSR1':
        this.#steering.reopenLogs();
        return;
      case 'SIGUSR2':
        void this.#succession.handOver();
        return;
      case 'SIGTTIN':
        this.#steering.scaleBy(1);
        return;
      case 'SIGTTOU':
        this.#steering.scaleBy(-1);
    }
  }

  /** Lets go of what there is only once. */
  async #release(): Promise<void> {
    this.#removePidFile();
    this.#removePidFile = () => {};
    await this.#control?.close();
    this.#control = undefined;
  }
}
