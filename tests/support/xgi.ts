/** Starts the built command line as a user would, and stops it again. */
import { cliMain } from './paths.js';
import { Program, type RunOptions } from './process.js';

const BIND_FLAG = /^(-b|--bind(=|$))/;
const LISTENING = /Listening at: (?<at>\S+) \((?<pid>\d+)\)/;

/** A running server. `origin` is `http://127.0.0.1:PORT`, or '' when it listens on a Unix socket only. */
export class XgiServer extends Program {
  /** Each address of the "Listening at" lines: `http://127.0.0.1:40123`, `unix:/tmp/…/s`. */
  get addresses(): string[] {
    return [...this.output.matchAll(new RegExp(LISTENING, 'g'))].map((match) => match.groups?.['at'] ?? '');
  }

  get origin(): string {
    return this.addresses.find((address) => address.startsWith('http')) ?? '';
  }

  /** The path of the Unix socket; '' if there is none. */
  get socketPath(): string {
    return this.addresses.find((address) => address.startsWith('unix:'))?.replace(/^unix:/, '') ?? '';
  }

  get port(): number {
    return Number(new URL(this.origin).port);
  }

  /** The process ids of all workers booted so far, dead ones included. */
  get workerPids(): number[] {
    return [...this.output.matchAll(/Booting worker with pid: (\d+)/g)].map((match) => Number(match[1]));
  }

  /** The absolute URL of a path on this server. */
  url(pathAndQuery: string): string {
    return new URL(pathAndQuery, this.origin).href;
  }
}

export interface XgiOptions extends RunOptions {
  /** Tests run as root in CI, which xgi refuses without a word. Default true. */
  readonly allowRoot?: boolean;
}

/** Starts xgi without waiting for anything: for runs that are expected to fail. */
export function spawnXgi(args: readonly string[], options: XgiOptions = {}): XgiServer {
  // What the developer's shell sets for their own servers must not reach the tests' ones.
  const env = { XGI_CMD_ARGS: undefined, PORT: undefined, ...options.env };
  const allowed = process.getuid?.() === 0 && options.allowRoot !== false ? ['--allow-root'] : [];
  return new XgiServer(process.execPath, [cliMain, ...allowed, ...args], { ...options, env });
}

/**
 * Starts xgi on a free port of 127.0.0.1, unless the arguments name a bind address, and resolves when it
 * listens. The caller stops it.
 */
export async function startXgi(args: readonly string[], options: XgiOptions = {}): Promise<XgiServer> {
  const bind = args.some((argument) => BIND_FLAG.test(argument)) ? [] : ['-b', '127.0.0.1:0'];
  const server = spawnXgi([...args, ...bind], options);
  try {
    await server.waitForOutput(LISTENING);
  } catch (error) {
    server.child.kill('SIGKILL');
    throw error;
  }
  return server;
}
