/** `--cgi-user`, from root: programs are one user, the gateway another, and only the launchers are root. */
import { chmodSync, chownSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemAccounts } from '../../src/process/accounts.js';
import { allGone, CgiSite, SYSTEM_PYTHON } from '../support/cgi-site.js';
import { cliMain } from '../support/paths.js';
import { pollUntil } from '../support/poll.js';

const isRoot = process.geteuid?.() === 0;
const nobody = systemAccounts().user('nobody');
/** A number without an account, as whom xgi itself runs. */
const GATEWAY_ID = 54_321;

/** Both users reach node, xgi and Python. */
function isReachable(): boolean {
  if (!isRoot || nobody === undefined) return false;
  const identity = { uid: GATEWAY_ID, gid: GATEWAY_ID, cwd: '/' };
  return (
    spawnSync(process.execPath, [cliMain, '--version'], identity).status === 0 &&
    spawnSync(SYSTEM_PYTHON, ['-c', 'import sys; assert sys.version_info >= (3, 8)'], identity).status === 0
  );
}

let site: CgiSite;

beforeEach(() => {
  site = new CgiSite();
});
afterEach(() => site.destroy());

/** Takes the place of the tests where they make no sense: what xgi says there. */
function notReachable(title: string): void {
  test(`${title}: refused with a sentence`, async () => {
    const server = site.spawn(
      ['--cgi-user', 'nobody', '--user', String(GATEWAY_ID), '--python', SYSTEM_PYTHON],
      { allowRoot: false },
    );
    expect((await server.exited).code).toBe(2);
    expect(server.stderr).toMatch(/^xgi: XGI_(PRIVILEGES|CONFIG_VALUE): /m);
  });
}

(isReachable() ? describe : notReachable)('--cgi-user nobody --user 54321', () => {
  const { uid, gid } = nobody!;
  const USERS = [
    '--cgi-user',
    'nobody',
    '--user',
    String(GATEWAY_ID),
    '--group',
    String(GATEWAY_ID),
    '--python',
    SYSTEM_PYTHON,
  ];

  /** Its own folders, as that user would have made them. */
  async function start(flags: readonly string[] = []): Promise<CgiSite> {
    const control = site.file('run');
    mkdirSync(control);
    chownSync(control, GATEWAY_ID, GATEWAY_ID);
    return await site.start([...USERS, ...flags], { allowRoot: false });
  }

  const idsOf = (pid: number): { uids: string; gids: string; groups: string; caps: string } => {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const field = (name: string): string => new RegExp(`^${name}:\\s*(.*?)\\s*$`, 'm').exec(status)![1]!;
    return { uids: field('Uid'), gids: field('Gid'), groups: field('Groups'), caps: field('CapEff') };
  };

  test.each([
    ['cold', ['--no-cgi-warm']],
    ['warm', []],
  ])('programs are that user, in all of their ids and groups, %s', async (name, flags) => {
    await start(flags);
    if (name === 'warm') await site.untilWarm();
    for (let i = 0; i < 2; i++) {
      expect(await site.report()).toMatchObject({
        uids: [uid, uid, uid],
        gids: [gid, gid, gid],
        groups: [gid],
        umask: 0o22,
      });
    }
    site.program(
      'ids.sh',
      '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\n"\ngrep -E "^(Uid|Gid|Groups|Cap(Eff|Prm|Inh|Amb)):" /proc/$$/status\n',
    );
    const text = (await site.get('/ids.sh')).body.toString();
    expect(text).toContain(`Uid:\t${uid}\t${uid}\t${uid}\t${uid}\n`);
    expect(text.match(/Cap...:\t0+\n/g)).toHaveLength(4);
  });

  test('the gateway is the other one, without anything of root; the launchers alone are root', async () => {
    await start();
    await site.get('/hello.py');
    expect(idsOf(site.server.pid)).toEqual({
      uids: Array.from({ length: 4 }, () => GATEWAY_ID).join('\t'),
      gids: Array.from({ length: 4 }, () => GATEWAY_ID).join('\t'),
      groups: expect.stringMatching(/^(54321)?$/),
      caps: expect.stringMatching(/^0+$/),
    });
    for (const pid of await site.launcherPids()) expect(idsOf(pid).uids).toBe('0\t0\t0\t0');
    for (const pid of site.programPids()) expect(idsOf(pid).uids).not.toContain('0\t0');
  });

  test.each([0, 10, 65_536, 65_537, 1_000_000])(
    'a body of %d bytes is readable, and what the program writes is its own',
    async (size) => {
      await start();
      const body = Buffer.alloc(size, 'x');
      const answer = await site.get('/writes-a-file.sh', { method: 'POST', body });
      expect(answer.body.toString()).toBe(`${uid}\n${gid}\n`);
      const written = site.file('notes/written');
      expect(statSync(written)).toMatchObject({ uid, gid, size });
      expect(readFileSync(written).equals(body)).toBe(true);
      await site.untilNothingSpooled();
    },
  );

  test('the standard streams can be opened again', async () => {
    site.program(
      'reopens.sh',
      '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\n" > /dev/stdout\ncat /dev/stdin >> /dev/stdout\necho words > /dev/stderr\n',
    );
    await start();
    expect((await site.get('/reopens.sh', { method: 'POST', body: 'through' })).body.toString()).toBe(
      'through',
    );
    await site.logged(/reopens\.sh: words/);
  });

  test('what belongs to root or to the gateway is closed to programs', async () => {
    site.write('secret-of-root', 'SECRET', 0o600);
    const ofGateway = site.write('secret-of-gateway', 'SECRET', 0o600);
    chownSync(ofGateway, GATEWAY_ID, GATEWAY_ID);
    site.program(
      'pries.sh',
      '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\n"\ncat ../secret-of-root ../secret-of-gateway /proc/$PPID/environ /proc/$PPID/mem ../tmp/*/* 2>&1\nkill -9 $PPID 2>&1\nkill -9 "$QUERY_STRING" 2>&1\nexit 0\n',
    );
    await start();
    const launchers = await site.launcherPids();
    const text = (await site.get(`/pries.sh?${site.server.pid}`)).body.toString();
    expect(text).not.toContain('SECRET');
    expect(text.match(/denied|not permitted|No such file/gi)!.length).toBeGreaterThan(4);
    expect(await site.launcherPids()).toEqual(launchers);
    expect((await site.get('/hello.sh')).status).toBe(200);
  });

  test('a program that only the gateway may execute is a 500 that says so', async () => {
    const file = site.program('private.sh', '#!/bin/sh\n');
    chownSync(file, GATEWAY_ID, GATEWAY_ID);
    chmodSync(file, 0o700);
    await start();
    expect((await site.get('/private.sh')).status).toBe(500);
    await site.logged(/\[ERROR\] XGI_CGI_NO_EXEC: .*EACCES.*--cgi-user/);
    // And a folder that only the gateway may enter.
    site.program('closed/hello.sh', '#!/bin/sh\n');
    chownSync(site.file('cgi-bin/closed'), GATEWAY_ID, GATEWAY_ID);
    chmodSync(site.file('cgi-bin/closed'), 0o700);
    expect((await site.get('/closed/hello.sh')).status).toBe(500);
  });

  test('timeouts and clients that go end programs of the other user, with all that they have started', async () => {
    await start(['--cgi-idle-timeout', '1s']);
    expect((await site.get('/ignores-term.sh')).status).toBe(504);
    await allGone(await site.pids(2));
    const client = site.open('/starts-a-family.sh');
    const pids = await site.pids(5);
    client.reset();
    await allGone(pids);
    await site.untilIdle();
  });

  test('--cgi-limit-processes holds for that user', async () => {
    await start(['--cgi-limit-processes', '12']);
    const text = (await site.get('/makes-processes.py')).body.toString();
    expect(text).toBe('Resource temporarily unavailable\n');
    expect((await site.get('/hello.sh')).status).toBe(200);
  });

  test.each(['one', 'all'])(
    'SIGKILL of launchers, %s: xgi says that it needs root for another, and ends with status 1',
    async (which) => {
      await start(['--graceful-timeout', '2s']);
      const answer = site.get('/hangs.sh').catch(() => undefined);
      const [silent] = await site.pids(1);
      const cut = site.get('/writes-slowly.sh').catch(() => undefined);
      const writing = (await site.pids(2)).filter((pid) => pid !== silent);
      if (which === 'one') process.kill((await site.launcherPids())[0]!, 'SIGKILL');
      else await site.signalLaunchers();
      expect(await site.server.exited).toEqual({ code: 1, signal: null });
      expect(site.log).toMatch(
        /\[ERROR\] XGI_CGI_LAUNCHER: the launcher of programs, \d+, ended \(SIGKILL\); another would need root, which has been given up: xgi stops, to be started again/,
      );
      expect([502, undefined]).toContain((await answer)?.status);
      expect((await cut)?.complete ?? false).toBe(false);
      // Only root may end programs of that user. Those that write find nobody who reads; the others are for who supervises xgi.
      await allGone(writing);
    },
  );

  test('SIGTERM ends everything', async () => {
    await start(['--graceful-timeout', '300ms']);
    void site.get('/ignores-term.sh').catch(() => {});
    const pids = [...(await site.pids(2)), ...(await site.launcherPids())];
    expect(await site.server.stop()).toEqual({ code: 0, signal: null });
    await allGone(pids);
  });

  test('nothing of the user’s is run as root: an interpreter in a folder of others is refused', async () => {
    const folder = site.file('own');
    mkdirSync(folder);
    writeFileSync(
      `${folder}/python3`,
      `#!/bin/sh\nid -u >> ${site.file('notes/proof')}\nexec ${SYSTEM_PYTHON} "$@"\n`,
    );
    chmodSync(`${folder}/python3`, 0o755);
    chownSync(folder, uid, gid);
    const server = site.spawn([...USERS.slice(0, -1), `${folder}/python3`], { allowRoot: false });
    expect((await server.exited).code).toBe(2);
    expect(server.stderr).toMatch(
      /XGI_PRIVILEGES: --cgi-user nobody: \S+ would be run as root, and others than root can change it/,
    );
    expect(site.notes('proof').filter((line) => line === '0')).toEqual([]);
  });

  test('a hand-over would lose root: the successor is refused, or serves as before', async () => {
    await start();
    site.server.child.kill('SIGUSR2');
    await pollUntil(() => /\[(ERROR|WARNING)\].*|Handing over/.test(site.log));
    expect((await site.report()).uids).toEqual([uid, uid, uid]);
  });
});

describe('without root', () => {
  test('--cgi-user is refused', async () => {
    if (isRoot && !isReachable()) return;
    const copy = isRoot ? { uid: GATEWAY_ID, gid: GATEWAY_ID } : {};
    const { status, stderr } = spawnSync(
      process.execPath,
      [cliMain, 'cgi', site.programs, '-b', '127.0.0.1:0', '--cgi-user', 'nobody', '--python', SYSTEM_PYTHON],
      { ...copy, cwd: '/', encoding: 'utf8' },
    );
    expect(status).toBe(2);
    expect(stderr).toMatch(
      /XGI_PRIVILEGES: --cgi-user nobody: only root can run programs as another user; start xgi as root, with --user for itself/,
    );
  });
});
