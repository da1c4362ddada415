/** Two applications with a user each, and one that is the gateway's; started by root. They run whatever Python code they are sent. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { systemAccounts, type User } from '../../src/process/accounts.js';
import type { WorkerStatus } from '../../src/workers/status.js';
import { Project } from './cli-project.js';
import { cliMain } from './paths.js';
import { pollUntil } from './poll.js';
import { makeTempDir } from './temp-dir.js';
import {
  isRunning,
  killAllIn,
  readStatus,
  runXgi,
  spawnXgi,
  type XgiOptions,
  type XgiServer,
} from './xgi.js';

/** One that every user may run; the tests' own may lie in the home of root. */
export const PYTHON = '/usr/bin/python3';
/** A number without an account, as whom the gateway runs. */
export const GATEWAY_ID = 54_321;

const accounts = systemAccounts();
/** Of the applications `one` and `two`. */
export const ONE = accounts.user('daemon') as User;
export const TWO = accounts.user('nobody') as User;

/** All of them reach node, xgi and Python. */
export function isReachable(): boolean {
  if (
    process.geteuid?.() !== 0 ||
    accounts.user('daemon') === undefined ||
    accounts.user('nobody') === undefined
  )
    return false;
  return [GATEWAY_ID, ONE.uid, TWO.uid].every((uid) => {
    const identity = { uid, gid: uid, cwd: '/' };
    return (
      spawnSync(process.execPath, [cliMain, '--version'], identity).status === 0 &&
      spawnSync(PYTHON, ['-c', 'import sys; assert sys.version_info >= (3, 8)'], identity).status === 0
    );
  });
}

/** The value of the variable `value` after the code of the body; or the name of the exception. */
const CONSOLE = `
import json, os, sys, time

WORD = "first"

def app(environ, start_response):
    scope = {"environ": environ, "os": os, "sys": sys, "time": time, "word": WORD, "value": None}
    try:
        exec(environ["wsgi.input"].read().decode(), scope)
    except Exception as error:
        scope["value"] = type(error).__name__
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(scope["value"]).encode()]
`;

export const IDENTITY = `
mask = os.umask(0)
os.umask(mask)
caps = [line.split()[1] for line in open("/proc/self/status") if line.startswith("Cap") and "Bnd" not in line]
value = {"uids": os.getresuid(), "gids": os.getresgid(), "groups": os.getgroups(), "umask": mask, "caps": sorted(set(caps)),
         "HOME": os.environ.get("HOME"), "USER": os.environ.get("USER"), "LOGNAME": os.environ.get("LOGNAME")}
`;

type Settings = Record<string, unknown>;

/** What the configuration file has, and a test may change. */
interface SiteFile extends Settings {
  apps: Record<string, Settings>;
  routes: Settings[];
}

/** Laid over those of the server, and of the applications. */
export interface UserSiteOptions {
  readonly one?: Settings;
  readonly two?: Settings;
  readonly server?: Settings;
}

export class UserSite {
  readonly project = new Project();
  readonly temporary = makeTempDir();
  readonly control = ['--control-socket', this.project.file('control')];
  server!: XgiServer;
  file!: SiteFile;

  constructor() {
    chmodSync(this.project.directory, 0o755);
    chmodSync(this.temporary, 0o1777);
    for (const name of ['one', 'two', 'three']) this.project.write(`${name}.py`, CONSOLE);
  }

  /** Writes the file. */
  configure({ one, two, server }: UserSiteOptions = {}): void {
    const app = (name: string): Settings => ({ target: `${name}:app`, workers: 1, python: PYTHON });
    this.file = {
      user: String(GATEWAY_ID),
      group: String(GATEWAY_ID),
      ...server,
      apps: {
        one: { ...app('one'), user: ONE.name, ...one },
        two: { ...app('two'), user: TWO.name, ...two },
        three: app('three'),
      },
      routes: ['one', 'two', 'three'].map((name) => ({ path: `/${name}`, app: name })),
    };
    this.change(() => {});
  }

  /** Writes it with these changes. */
  change(change: (file: SiteFile) => void): void {
    change(this.file);
    this.project.write('xgi.config.json', JSON.stringify(this.file, null, 2));
  }

  get options(): XgiOptions {
    return {
      cwd: this.project.directory,
      env: {
        PATH: `/usr/bin:/bin:${path.dirname(process.execPath)}`,
        TMPDIR: this.temporary,
        XDG_RUNTIME_DIR: undefined,
        XGI_CONTROL_SOCKET: undefined,
      },
      allowRoot: false,
    };
  }

  spawn(...flags: readonly string[]): XgiServer {
    return (this.server = spawnXgi(['-b', '127.0.0.1:0', ...this.control, ...flags], this.options));
  }

  async start(options: UserSiteOptions = {}, ...flags: readonly string[]): Promise<void> {
    this.configure(options);
    this.spawn(...flags);
    await this.server.waitForOutput(/Ready after/);
  }

  /** Has an application run code. @returns what became of `value` */
  async ask(app: string, code = 'value = os.getpid()', body = ''): Promise<unknown> {
    const response = await fetch(this.server.url(`/${app}`), {
      method: 'POST',
      body: `${code}\n${body === '' ? '' : `# ${body}`}`,
      headers: { connection: 'close' },
    });
    if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
    return await response.json();
  }

  async pidOf(app: string): Promise<number> {
    return (await this.ask(app)) as number;
  }

  /** All that the service consists of, the gateway first. */
  get pids(): number[] {
    return descendantsOf(this.server.pid);
  }

  get spawners(): number[] {
    return this.pids.filter((pid) => readProcess(pid, 'cmdline').includes('xgi_spawner'));
  }

  /** The folder that the gateway shares with the workers of that user. */
  folderOf({ gid }: User): string {
    const folders = readdirSync(this.temporary).map((name) => path.join(this.temporary, name));
    const found = folders.find((folder) => statSync(folder).gid === gid);
    if (found === undefined) throw new Error('there is no such folder');
    return found;
  }

  async command(...words: readonly string[]): ReturnType<typeof runXgi> {
    return await runXgi([...words, ...this.control], this.options);
  }

  async status(): ReturnType<typeof readStatus> {
    return await readStatus(this.control, this.options);
  }

  async workersOf(app: string): Promise<readonly WorkerStatus[]> {
    const status = await this.status();
    return status!.gateways
      .flatMap(({ workers }) => workers)
      .filter(({ application }) => application === app);
  }

  async check(): ReturnType<typeof runXgi> {
    return await runXgi(['check', '-b', '127.0.0.1:0'], this.options);
  }

  async reload(): Promise<{ readonly ok: boolean; readonly message: string }> {
    const { stdout, stderr } = await this.command('reload', '--json');
    if (stdout === '') throw new Error(stderr);
    const outcome = JSON.parse(stdout) as { ok: boolean; failure?: { code: string; message: string } };
    return { ok: outcome.ok, message: `${outcome.failure?.code}: ${outcome.failure?.message}` };
  }

  destroy(): void {
    try {
      for (const pid of this.pids) process.kill(pid, 'SIGKILL');
    } catch {
      // They have ended.
    }
    killAllIn(this.project.directory);
  }
}

export async function allGone(pids: readonly number[]): Promise<void> {
  await pollUntil(() => pids.every((pid) => !isRunning(pid)), {
    what: `the end of ${pids.filter(isRunning).join(', ')}`,
  });
}

/** With itself. */
function descendantsOf(pid: number): number[] {
  const threads = existsSync(`/proc/${pid}/task`) ? readdirSync(`/proc/${pid}/task`) : [];
  const children = threads.flatMap((thread) =>
    readProcess(pid, `task/${thread}/children`).split(' ').filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(descendantsOf)];
}

/** '' if it has ended. */
function readProcess(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}
