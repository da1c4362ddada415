/** `--user`, from root: who the processes are, and what they can do and leave behind. */
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { once } from 'node:events';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isContainer, isRootAlone } from '../../src/process/container.js';
import { systemAccounts } from '../../src/process/accounts.js';
import { Authority, flagsOf } from '../support/certificates.js';
import { Project } from '../support/cli-project.js';
import { curl } from '../support/curl.js';
import { cliMain } from '../support/paths.js';
import { pollUntil } from '../support/poll.js';
import { makeTempDir } from '../support/temp-dir.js';
import {
  killAllIn,
  readStatus,
  runXgi,
  spawnXgi,
  startXgi,
  untilNothingIsLeft,
  type XgiServer,
} from '../support/xgi.js';

const isRoot = process.geteuid?.() === 0;
const nobody = systemAccounts().user('nobody');
/** One that every user may run; the tests' own may lie in the home of root. */
const PYTHON = '/usr/bin/python3';

/** This user reaches node, xgi and Python. */
function isReachable(): boolean {
  if (!isRoot || nobody === undefined) return false;
  const identity = { uid: nobody.uid, gid: nobody.gid, cwd: '/' };
  const xgi = spawnSync(process.execPath, [cliMain, '--version'], identity);
  const python = spawnSync(PYTHON, ['-c', 'import sys; assert sys.version_info >= (3, 8)'], identity);
  return xgi.status === 0 && python.status === 0;
}

const APP = `
import json, os

def app(environ, start_response):
    mask = os.umask(0)
    os.umask(mask)
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({
        "pid": os.getpid(),
        "uids": os.getresuid(),
        "gids": os.getresgid(),
        "groups": os.getgroups(),
        "umask": mask,
        "env": dict(os.environ),
    }).encode()]
`;

interface Answer {
  readonly pid: number;
  readonly uids: readonly number[];
  readonly gids: readonly number[];
  readonly groups: readonly number[];
  readonly umask: number;
  readonly env: Readonly<Record<string, string>>;
}

/** Takes the place of the tests where they make no sense: what xgi says there. */
function notReachable(title: string): void {
  test(`${title}: refused with a sentence`, async () => {
    const { directory } = new Project();
    const program = spawnXgi(['app:app', '-b', '127.0.0.1:0', '--user', 'nobody'], { cwd: directory });
    expect((await program.exited).code).toBe(2);
    expect(program.output).toMatch(/^xgi: XGI_(PRIVILEGES|CONFIG_VALUE): /m);
  });
}

let project: Project;
let server: XgiServer;
let env: Record<string, string | undefined>;

(isReachable() ? describe : notReachable)('--user nobody', () => {
  const { uid, gid, name, home } = nobody!;

  beforeEach(() => {
    project = new Project();
    project.write('app.py', APP);
    chmodSync(project.directory, 0o755);
    const temporary = makeTempDir();
    chmodSync(temporary, 0o1777);
    env = { TMPDIR: temporary, XDG_RUNTIME_DIR: undefined, XGI_CONTROL_SOCKET: undefined };
  });

  afterEach(() => killAllIn(project.directory));

  async function start(args: readonly string[] = [], variables: Record<string, string> = {}): Promise<void> {
    const all = ['app:app', '-w', '1', '--user', 'nobody', '--python', PYTHON, ...args];
    server = await startXgi(all, {
      cwd: project.directory,
      env: { ...env, ...variables },
      allowRoot: false,
    });
    await ask();
  }

  async function ask(): Promise<Answer> {
    const response = await fetch(server.origin, { headers: { connection: 'close' } });
    return (await response.json()) as Answer;
  }

  /** A folder of that user. */
  function ownFolder(folder: string): string {
    mkdirSync(project.file(folder));
    chownSync(project.file(folder), uid, gid);
    return project.file(folder);
  }

  async function handOver(): Promise<number> {
    const from = server.mainPids.at(-1)!;
    process.kill(from, 'SIGUSR2');
    const line = new RegExp(`\\[${from}\\] \\[INFO\\] Handing over to (\\d+)\\n`);
    const successor = Number((await server.waitForOutput(line))[1]);
    await pollUntil(() => !existsSync(`/proc/${from}/cwd`), { what: 'the end of the old one' });
    return successor;
  }

  async function untilStopped(): Promise<void> {
    process.kill(server.mainPids.at(-1)!, 'SIGTERM');
    await untilNothingIsLeft(project.directory);
  }

  test('all processes are that user, and have nothing of root', async () => {
    await start(['--umask', '027', '--gateways', '2', '-w', '2'], {
      HOME: '/root',
      USER: 'root',
      LOGNAME: 'root',
    });
    const told = await pollUntil(async () => {
      const now = await readStatus([], { env });
      return now?.gateways.length === 2 && now.gateways.every(({ workers }) => workers.length === 1) && now;
    });
    const pids = told.gateways.flatMap((gateway) => [gateway.pid, ...gateway.workers.map(({ pid }) => pid!)]);
    expect(pids.length).toBe(4);
    for (const pid of pids) {
      const status = readFileSync(`/proc/${pid}/status`, 'latin1');
      expect(status).toContain(`\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\n`);
      expect(status).toContain(`\nGid:\t${gid}\t${gid}\t${gid}\t${gid}\n`);
      expect(status).toContain('\nUmask:\t0027\n');
      expect(status).toMatch(/\nCapEff:\t0+\n/);
    }
    const answer = await ask();
    expect(answer).toMatchObject({ umask: 0o27, groups: [gid] });
    expect(answer.env).toMatchObject({ HOME: home, USER: name, LOGNAME: name });
  });

  test('the environment of workers holds nothing that was for xgi', async () => {
    await start(['-e', 'GIVEN=yes'], {
      XGI_CMD_ARGS: '--log-level debug',
      XGI_SECRET: 'x',
      NOTIFY_SOCKET: project.file('nobody-listens'),
      WATCHDOG_USEC: '100000000',
      NODE_OPTIONS: '--no-deprecation',
      SUDO_USER: 'somebody',
    });
    const answer = await ask();
    const kept = Object.keys(answer.env).filter((key) =>
      /^(XGI|NOTIFY|WATCHDOG|NODE_(CHANNEL|OPTIONS|UNIQUE)|SUDO|npm_|LISTEN_)/.test(key),
    );
    expect(kept).toEqual([]);
    expect(answer.env['GIVEN']).toBe('yes');
  });

  test('the access log is that user’s, and is opened again in its folder', async () => {
    const folder = ownFolder('log');
    await start(['--access-logfile', 'log/access.log', '--access-logformat', '%(s)s']);
    expect(statSync(path.join(folder, 'access.log')).uid).toBe(uid);
    await pollUntil(() => readFileSync(path.join(folder, 'access.log'), 'latin1') === '200\n');
    renameSync(path.join(folder, 'access.log'), path.join(folder, 'access.log.1'));
    server.child.kill('SIGUSR1');
    await pollUntil(() => existsSync(path.join(folder, 'access.log')));
    await ask();
    await pollUntil(() => readFileSync(path.join(folder, 'access.log'), 'latin1') === '200\n');
  });

  test('an access log in a folder of root cannot be opened again: the old file goes on', async () => {
    await start(['--access-logfile', 'access.log', '--access-logformat', '%(s)s']);
    renameSync(project.file('access.log'), project.file('access.log.1'));
    server.child.kill('SIGUSR1');
    await server.waitForOutput(/\[ERROR\] access log: cannot open .*, the old file goes on: EACCES/);
    await ask();
    await pollUntil(() => readFileSync(project.file('access.log.1'), 'latin1') === '200\n200\n');
  });

  describe('the control socket', () => {
    const asNobody = (words: readonly string[]) =>
      spawnSync(process.execPath, [cliMain, ...words], {
        uid,
        gid,
        cwd: '/',
        env: { ...process.env, ...env },
        encoding: 'utf8',
      });

    test('in the default place is for root', async () => {
      await start();
      expect(await runXgi(['status'], { env })).toMatchObject({ code: 0 });
      expect(asNobody(['status']).status).toBe(4);
    });

    test('with a path is for root and that user', async () => {
      const words = ['--control-socket', path.join(ownFolder('run'), 'control')];
      await start(words);
      expect(await runXgi(['status', ...words], { env })).toMatchObject({ code: 0 });
      expect(asNobody(['status', ...words]).status).toBe(0);
      expect(asNobody(['stop', ...words])).toMatchObject({ status: 0, stderr: '' });
      expect(existsSync(words[1]!)).toBe(false);
    });
  });

  test('in a folder of that user, successors have pid file, control socket and Unix socket, and remove them', async () => {
    ownFolder('run');
    const control = ['--control-socket', project.file('run/control')];
    const bind = ['-b', 'unix:run/web.sock', '-b', '127.0.0.1:0'];
    await start([...control, ...bind, '-p', 'run/pid']);
    for (let i = 0; i < 2; i++) {
      const successor = await handOver();
      await pollUntil(() => readFileSync(project.file('run/pid'), 'latin1') === `${successor}\n`);
      await pollUntil(async () => (await readStatus(control, { env }))?.pid === successor);
      expect(await ask()).toMatchObject({ uids: [uid, uid, uid], env: { HOME: home } });
    }
    await untilStopped();
    for (const file of ['pid', 'control', 'web.sock'])
      expect([file, existsSync(project.file(`run/${file}`))]).toEqual([file, false]);
    expect(server.stderr).not.toMatch(/WARNING|ERROR/);
  });

  test('in a folder of root, a successor warns and serves without; files are left over', async () => {
    const control = ['--control-socket', project.file('control')];
    await start([...control, '-b', 'unix:web.sock', '-b', '127.0.0.1:0', '-p', 'pid']);
    const successor = await handOver();
    await server.waitForOutput(/\[WARNING\] XGI_PID_[A-Z_]+: .*; this process serves without\n/);
    await server.waitForOutput(/\[WARNING\] XGI_CONTROL_LISTEN: .*; this process serves without\n/);
    expect(await ask()).toMatchObject({ uids: [uid, uid, uid] });
    expect(readFileSync(`/proc/${successor}/status`, 'latin1')).toContain(`\nUid:\t${uid}\t`);
    await untilStopped();
    // docs/operate/privileges.md: harmless, and taken over at the next start.
    expect(readFileSync(project.file('pid'), 'latin1')).toBe(`${server.pid}\n`);
    expect(existsSync(project.file('control'))).toBe(true);
    expect(existsSync(project.file('web.sock'))).toBe(true);
    await start([...control, '-b', 'unix:web.sock', '-b', '127.0.0.1:0', '-p', 'pid']);
    expect(await readStatus(control, { env })).toMatchObject({ pid: server.pid });
    expect(await statusAt(project.file('web.sock'))).toBe(200);
  });

  test('with a control socket in the default place, a successor has one of its own user', async () => {
    await start();
    const successor = await handOver();
    await pollUntil(() => existsSync(path.join(env['TMPDIR']!, `xgi-control-${uid}`, `${successor}.sock`)));
    expect(server.stderr).not.toMatch(/WARNING|ERROR/);
    await untilStopped();
  });

  test('a folder that it cannot enter: exit status 2, nothing is left', async () => {
    chmodSync(project.directory, 0o700);
    const words = ['app:app', '-w', '1', '--user', 'nobody', '--python', PYTHON, '-b', 'unix:web.sock'];
    server = spawnXgi(words, { cwd: project.directory, env, allowRoot: false });
    expect(await server.exited).toEqual({ code: 2, signal: null });
    expect(server.stderr).toMatch(/\nxgi: XGI_PRIVILEGES: user nobody cannot .*\n$/);
    await untilNothingIsLeft(project.directory);
  });

  test('a key that only root can read: all gateways serve it, and it is said that nobody can read it again', async () => {
    const authority = new Authority();
    const all = ['app:app', '-w', '2', '--gateways', '2', '--user', 'nobody', '--python', PYTHON];
    server = await startXgi([...all, ...flagsOf(authority.issue('server'))], {
      cwd: project.directory,
      env,
      allowRoot: false,
    });
    await server.waitForOutput(/Ready after/);
    expect(server.stderr).toMatch(/\[WARNING\] XGI_TLS_REACH: user \d+ may not read .*server\.key/);
    const statusOver = async (): Promise<number> =>
      (await curl('--cacert', authority.cert, server.origin)).status;
    for (let n = 0; n < 8; n++) expect(await statusOver()).toBe(200);
    process.kill(server.pid, 'SIGHUP');
    await server.waitForOutput(/XGI_TLS_FILE_DENIED: .*; the certificates from before stay/);
    for (let n = 0; n < 8; n++) expect(await statusOver()).toBe(200);
    await untilStopped();
  });

  test('--check-config loads the application as that user', async () => {
    project.write('app.py', `import os\nassert os.getresuid() == (${uid},) * 3\n${APP}`);
    const words = ['app:app', '--check-config', '-b', '127.0.0.1:0', '--python', PYTHON, '--user', 'nobody'];
    server = spawnXgi(words, { cwd: project.directory, env, allowRoot: false });
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(server.stdout).toContain('can be served');
    chmodSync(project.file('app.py'), 0o600);
    server = spawnXgi(words, { cwd: project.directory, env, allowRoot: false });
    expect(await server.exited).toEqual({ code: 3, signal: null });
  });
});

async function statusAt(socketPath: string): Promise<number | undefined> {
  const outgoing = request({ socketPath }).end();
  const [response] = (await once(outgoing, 'response')) as [{ statusCode?: number; resume(): void }];
  response.resume();
  return response.statusCode;
}

/** Where root is all there is, it is allowed without having been asked for. */
const surroundings = { root: '/', env: process.env };
const isTolerated = isContainer(surroundings) && isRootAlone(surroundings);

describe('root', () => {
  beforeEach(() => {
    project = new Project();
  });

  afterEach(() => killAllIn(project.directory));

  const words = ['app:app', '-w', '1', '-b', '127.0.0.1:0'];

  test.each([[[]], [['--user', 'root']], [['--check-config']]])(
    'without --allow-root is refused, or a warning where it is the only user of a container: %j',
    async (flags) => {
      // Who is not root has nothing to be refused; the cases are in tests/unit/process/privileges.test.ts.
      if (!isRoot) return;
      server = spawnXgi([...words, ...flags], { cwd: project.directory, allowRoot: false });
      if (isTolerated) {
        if (flags[0] !== '--check-config')
          await server.waitForOutput(/\[WARNING\] running as root, the only user of this container/);
        return;
      }
      expect(await server.exited).toEqual({ code: 2, signal: null });
      expect(server.output).toMatch(/^xgi: XGI_ROOT: the application would run as root: .*\n$/);
    },
  );

  test('with --allow-root serves, and says nothing of it', async () => {
    server = await startXgi(words, { cwd: project.directory });
    await server.waitForOutput(/Booting worker/);
    expect(server.stderr).not.toMatch(/as root/);
    expect(await server.stop()).toEqual({ code: 0, signal: null });
  });
});
