/** `user` of an application, from root: its workers are that user, the gateway another, and nobody is root. */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cliMain } from '../support/paths.js';
import { pollUntil } from '../support/poll.js';
import {
  allGone,
  GATEWAY_ID,
  IDENTITY,
  isReachable,
  ONE,
  PYTHON,
  TWO,
  UserSite,
  type UserSiteOptions,
} from '../support/user-site.js';

let site: UserSite;

beforeEach(() => {
  site = new UserSite();
});
afterEach(() => site.destroy());

/** Takes the place of the tests where they make no sense: what xgi says there. */
function notReachable(title: string): void {
  test(`${title}: refused with a sentence`, async () => {
    site.configure();
    expect((await site.spawn().exited).code).toBe(2);
    expect(site.server.stderr).toMatch(/^xgi: XGI_(PRIVILEGES|CONFIG_VALUE|CONFIG_PYTHON): /m);
  });
}

const ids = (id: number): number[] => [id, id, id];
const identityOf = ({ uid, gid, name, home }: typeof ONE): object => ({
  uids: ids(uid),
  gids: ids(gid),
  groups: [gid],
  caps: ['0000000000000000'],
  HOME: home,
  USER: name,
  LOGNAME: name,
});

const ofProcess = (pid: number): { uids: string; gids: string; caps: string } => {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const field = (name: string): string => new RegExp(`^${name}:\\s*(.*?)\\s*$`, 'm').exec(status)![1]!;
  return { uids: field('Uid'), gids: field('Gid'), caps: field('CapEff') + field('CapPrm') };
};

(isReachable() ? describe : notReachable)('apps with users', () => {
  test('each is its user, in all ids and groups; the gateway is another, and nothing keeps root', async () => {
    await site.start({ two: { preload: true }, server: { umask: '077' } });
    expect(await site.ask('one', IDENTITY)).toMatchObject({ ...identityOf(ONE), umask: 0o77 });
    expect(await site.ask('two', IDENTITY)).toMatchObject({ ...identityOf(TWO), umask: 0o77 });
    expect(await site.ask('three', IDENTITY)).toMatchObject({
      uids: ids(GATEWAY_ID),
      gids: ids(GATEWAY_ID),
      HOME: '/',
    });
    const spawners = site.spawners;
    expect(spawners.map((pid) => ofProcess(pid).uids).toSorted()).toEqual(
      [ONE, TWO].map(({ uid }) => [GATEWAY_ID, uid, GATEWAY_ID, uid].join('\t')).toSorted(),
    );
    for (const pid of site.pids) {
      const { uids, gids, caps } = ofProcess(pid);
      expect(uids.split('\t')).not.toContain('0');
      expect(gids.split('\t')).not.toContain('0');
      expect(caps).toMatch(/^0+$/);
    }
    // Bodies: in memory, and through files; whatever the umask.
    for (const size of [10, 65_536, 70_000, 1_000_000]) {
      const code = 'value = int(environ["CONTENT_LENGTH"])';
      for (const app of ['one', 'two'])
        expect(await site.ask(app, code, 'x'.repeat(size))).toBe(code.length + 3 + size);
    }
    expect(readdirSync(site.folderOf(ONE)).filter((name) => name.startsWith('body-'))).toEqual([]);
  });

  test('`group` is taken on instead of the primary one of the user', async () => {
    await site.start({ one: { group: String(TWO.gid) } });
    expect(await site.ask('one', IDENTITY)).toMatchObject({ uids: ids(ONE.uid), gids: ids(TWO.gid) });
  });

  test('an application reads its own files, and not those of another', async () => {
    const secret = (name: string, uid: number): void => {
      site.project.write(name, name);
      chownSync(site.project.file(name), uid, uid);
      chmodSync(site.project.file(name), 0o600);
    };
    secret('of-one', ONE.uid);
    secret('of-two', TWO.uid);
    secret('of-gateway', GATEWAY_ID);
    secret('of-root', 0);
    await site.start();
    const read = (name: string): string => `value = open("${name}").read()`;
    expect(await site.ask('one', read('of-one'))).toBe('of-one');
    for (const name of ['of-two', 'of-gateway', 'of-root'])
      expect(await site.ask('one', read(name))).toBe('PermissionError');
    expect(await site.ask('two', read('of-one'))).toBe('PermissionError');
    // What only its user may read is sent by the worker; what the gateway may, by that.
    site.project.write('open', 'for all');
    chownSync(site.project.file('open'), ONE.uid, ONE.gid);
    site.project.write(
      'one.py',
      'def app(environ, start_response):\n    start_response("200 OK", [("Content-Type", "text/plain")])\n' +
        '    return environ["wsgi.file_wrapper"](open(environ["PATH_INFO"][1:], "rb"))\n',
    );
    await site.reload();
    for (const [name, text] of [
      ['of-one', 'of-one'],
      ['open', 'for all'],
      ['one.py', readFileSync(site.project.file('one.py'), 'utf8')],
    ])
      expect(await (await fetch(site.server.url(`/one/${name}`))).text()).toBe(text);
  });

  test('the interpreter of an environment that is closed to others is run by its user alone', async () => {
    const folder = site.project.file('own');
    mkdirSync(folder);
    const python = `${folder}/python3`;
    writeFileSync(python, `#!/bin/sh\nid -u >> ${folder}/proof\nexec ${PYTHON} "$@"\n`);
    chmodSync(python, 0o700);
    for (const file of [python, folder]) chownSync(file, ONE.uid, ONE.gid);
    chmodSync(folder, 0o700);
    writeFileSync(`${folder}/one.py`, readFileSync(site.project.file('one.py')));
    await site.start({ one: { chdir: 'own', python } });
    expect(await site.ask('one', IDENTITY)).toMatchObject(identityOf(ONE));
    expect(await site.reload()).toEqual({ ok: true, message: expect.anything() });
    expect(new Set(readFileSync(`${folder}/proof`, 'latin1').trim().split('\n'))).toEqual(
      new Set([String(ONE.uid)]),
    );
    expect(await site.server.stop()).toEqual({ code: 0, signal: null });
  });

  test.each([false, true])(
    'reload, recycling, scaling, crashes, standard error; preload: %s',
    async (preload) => {
      await site.start({ one: { preload, maxRequests: 3 } });
      let before = await site.pidOf('one');
      // New code.
      site.project.write(
        'one.py',
        readFileSync(site.project.file('one.py'), 'utf8').replace('first', 'second'),
      );
      expect(await site.reload()).toEqual({ ok: true, message: expect.anything() });
      expect(await site.ask('one', 'value = word')).toBe('second');
      await allGone([before]);
      // Code that cannot be loaded changes nothing.
      const good = readFileSync(site.project.file('one.py'), 'utf8');
      site.project.write('one.py', 'import no_such_library\n');
      expect(await site.reload()).toMatchObject({ ok: false });
      expect(await site.ask('one', 'value = word')).toBe('second');
      site.project.write('one.py', good);
      // A worker that has served enough.
      before = await site.pidOf('one');
      await pollUntil(async () => (await site.pidOf('one')) !== before);
      await allGone([before]);
      expect(await site.ask('one', IDENTITY)).toMatchObject(identityOf(ONE));
      // One that dies.
      expect((await site.command('scale', '2', '--app', 'one')).code).toBe(0);
      await pollUntil(async () => (await site.workersOf('one')).length === 2);
      const [victim] = await site.workersOf('one');
      process.kill(victim!.pid!, 'SIGKILL');
      await site.server.waitForOutput(
        new RegExp(`XGI_WORKER_EXIT: worker ${victim!.pid} ended \\(signal SIGKILL\\)`),
      );
      await pollUntil(
        async () => (await site.workersOf('one')).filter(({ state }) => state === 'ready').length === 2,
      );
      // What it says is in the log, and in the last words of one that ends itself.
      await site.ask('one', 'sys.stderr.write("a word of one\\n")');
      await site.server.waitForOutput(/^a word of one$/m);
      await site.ask('one', 'sys.stderr.write("the last one\\n"); os._exit(7)').catch(() => {});
      await site.server.waitForOutput(/ended \(status 7\)[^]*the last one/);
      const status = await site.workersOf('one');
      expect(status.every(({ rssBytes }) => rssBytes! > 1_000_000)).toBe(true);
      // As many as are wanted, and no others.
      expect((await site.command('scale', '1', '--app', 'one')).code).toBe(0);
      await pollUntil(async () => (await site.workersOf('one')).length === 1);
      const all = site.pids;
      expect(await site.server.stop()).toEqual({ code: 0, signal: null });
      await allGone(all);
      expect(readdirSync(site.temporary)).toEqual([]);
    },
  );

  test('a worker that is too large is replaced', async () => {
    await site.start({ one: { maxWorkerRss: '200mb' } });
    const before = await site.pidOf('one');
    await site.ask('one', 'import builtins; builtins.hoard = bytearray(300_000_000)');
    await site.server.waitForOutput(/Replacing worker with pid: \d+ \(\d+ MiB, see --max-worker-rss\)/);
    await allGone([before]);
    expect(await site.ask('one', IDENTITY)).toMatchObject(identityOf(ONE));
  });

  test.each([false, true])('requests past their deadline, preload: %s', async (preload) => {
    await site.start({ one: { preload, timeout: '500ms', queueTimeout: '20s' } });
    const before = await site.pidOf('one');
    await expect(site.ask('one', 'time.sleep(600)')).rejects.toThrow('504');
    expect(await site.pidOf('one')).toBe(before);
    // It does not react to an interrupt.
    const stuck = 'while True:\n    try:\n        time.sleep(600)\n    except BaseException:\n        pass';
    await expect(site.ask('one', stuck)).rejects.toThrow('504');
    await allGone([before]);
    await site.server.waitForOutput(/XGI_WORKER_STUCK/);
    expect(await site.ask('one', IDENTITY)).toMatchObject(identityOf(ONE));
  });

  test.each([false, true])('a stop that has to kill leaves nothing, preload: %s', async (preload) => {
    await site.start({ one: { preload }, server: { gracefulTimeout: '300ms' } });
    const busy = site.ask('one', 'time.sleep(600)').catch(() => {});
    await pollUntil(async () => (await site.workersOf('one'))[0]!.running.length === 1);
    const all = site.pids;
    expect(await site.server.stop()).toEqual({ code: 0, signal: null });
    await busy;
    await allGone(all);
    expect(readdirSync(site.temporary)).toEqual([]);
  });

  test('a gateway that is killed takes workers and spawners with it; the next start removes its folders', async () => {
    await site.start({ two: { preload: true } });
    const all = site.pids;
    expect(all.length).toBe(7);
    process.kill(site.server.pid, 'SIGKILL');
    await site.server.exited;
    await allGone(all);
    const left = readdirSync(site.temporary);
    expect(left.length).toBe(3);
    // A folder is old enough when its socket is.
    for (const name of left)
      spawnSync('touch', [
        '-d',
        '@1',
        `${site.temporary}/${name}/socket`,
        `${site.temporary}/${name}/stderr`,
      ]);
    await site.start({ two: { preload: true } });
    await pollUntil(() => left.every((name) => !existsSync(`${site.temporary}/${name}`)));
  });

  test('a spawner that is killed: xgi says that it needs root for another, and ends with status 1', async () => {
    await site.start();
    const all = site.pids;
    const [spawner] = site.spawners;
    process.kill(spawner!, 'SIGKILL');
    expect(await site.server.exited).toEqual({ code: 1, signal: null });
    expect(site.server.stderr).toMatch(
      new RegExp(
        `\\[ERROR\\] XGI_WORKER_SPAWNER: the spawner of workers, ${spawner}, ended \\(SIGKILL\\); another would need root, which has been given up: xgi stops, to be started again`,
      ),
    );
    await allGone(all);
  });

  test('an application that cannot be loaded stops the start', async () => {
    site.configure();
    site.project.write('one.py', 'import no_such_library\n');
    site.spawn();
    expect((await site.server.exited).code).toBe(3);
    expect(site.server.stderr).toMatch(/application one: .*no_such_library/);
    expect(readdirSync(site.temporary)).toEqual([]);
  });

  test('crashes one after the other are followed by pauses', async () => {
    await site.start();
    site.project.write('one.py', 'import os\nos._exit(9)\n');
    process.kill(await site.pidOf('one'), 'SIGKILL');
    await site.server.waitForOutput(/\(status 9\); another is started in [0-9.]+ s/);
    expect(await site.ask('two', 'value = 1')).toBe(1);
  });

  test('a folder, or an interpreter, that is closed to the user is named', async () => {
    mkdirSync(site.project.file('closed'), { mode: 0o700 });
    writeFileSync(site.project.file('closed/one.py'), readFileSync(site.project.file('one.py')));
    site.configure({ one: { chdir: 'closed' } });
    site.spawn();
    expect((await site.server.exited).code).toBe(2);
    expect(site.server.stderr).toContain(
      `XGI_PRIVILEGES: user ${ONE.name} cannot enter the folder ${site.project.file('closed')} (EACCES): it, and every folder above it, has to be open to that user`,
    );
    expect(readdirSync(site.temporary)).toEqual([]);
  });

  test('xgi check loads each as its user', async () => {
    site.project.write(
      'one.py',
      `import os\nassert os.getuid() == ${ONE.uid}\n${readFileSync(site.project.file('one.py'), 'utf8')}`,
    );
    site.configure();
    const { code, stdout, stderr } = await site.check();
    expect(stderr).toBe('');
    expect(stdout).toContain('one: one:app can be served');
    expect(code).toBe(0);
    site.project.write('one.py', 'assert False\n');
    expect(await site.check()).toMatchObject({ code: 3 });
    expect(readdirSync(site.temporary)).toEqual([]);
  });

  describe('reload of the file', () => {
    test('what is as it was stays, with new code; others may change, and go', async () => {
      await site.start();
      const before = await site.pidOf('one');
      site.change(({ apps, routes }) => {
        apps['three']!['workers'] = 2;
        delete apps['two'];
        routes.splice(1, 1);
        apps['one']!['middleware'] = ['requestId'];
      });
      site.project.write(
        'one.py',
        readFileSync(site.project.file('one.py'), 'utf8').replace('first', 'second'),
      );
      expect((await site.reload()).message).toBe('undefined: undefined');
      expect(await site.ask('one', 'value = word')).toBe('second');
      expect(await site.ask('one', IDENTITY)).toMatchObject(identityOf(ONE));
      await allGone([before]);
      await pollUntil(() => site.spawners.length === 1);
    });

    test.each<[string, Parameters<UserSite['change']>[0]]>([
      ['another user', ({ apps }) => (apps['one']!['user'] = TWO.name)],
      ['another environment', ({ apps }) => (apps['one']!['env'] = { A: 'b' })],
      ['WSGI middleware', ({ apps }) => (apps['one']!['middleware'] = ['one:app'])],
      ['a user where there was none', ({ apps }) => (apps['three']!['user'] = ONE.name)],
      [
        'a new one',
        ({ apps, routes }) => {
          apps['four'] = { target: 'one:app', user: ONE.name };
          routes.push({ path: '/four', app: 'four' });
        },
      ],
    ])('%s is refused, and nothing changes', async (_what, change) => {
      await site.start();
      site.change(change);
      const { ok, message } = await site.reload();
      expect(ok).toBe(false);
      expect(message).toMatch(
        /XGI_RELOAD_RESTART: .*apps\.(one|three|four).*only root can start workers as/s,
      );
      expect(await site.ask('one', IDENTITY)).toMatchObject(identityOf(ONE));
      expect(await site.ask('three', IDENTITY)).toMatchObject({ uids: ids(GATEWAY_ID) });
    });
  });

  test('no hand-over: a successor could not be root', async () => {
    await site.start();
    site.server.child.kill('SIGUSR2');
    await site.server.waitForOutput(/XGI_HANDOVER: no successor is started: it would have to be root/);
    expect(await site.ask('one', IDENTITY)).toMatchObject(identityOf(ONE));
  });

  test.each<[string, UserSiteOptions, RegExp]>([
    [
      'several gateways',
      { server: { gateways: 2 } },
      /XGI_CONFIG_VALUE: .*gateways: expected 1 with .*apps\.one\.user/s,
    ],
    ['root', { one: { user: 'root' } }, /XGI_ROOT: the application would run as root/],
    [
      'nobody of that name',
      { one: { user: 'no-such-user' } },
      /XGI_CONFIG_VALUE: .*apps\.one\.user: .*"no-such-user"/s,
    ],
    [
      'a number without a group',
      { one: { user: '54322' } },
      /XGI_CONFIG_VALUE: .*apps\.one\.group: .*54322/s,
    ],
    [
      'static files',
      { one: { target: '.', kind: 'static', workers: undefined, python: undefined } },
      /XGI_CONFIG_USAGE: .*apps\.one\.user: it is for a WSGI application/s,
    ],
    [
      'CGI programs',
      { one: { target: '.', kind: 'cgi', workers: undefined } },
      /XGI_CONFIG_USAGE: .*programs have cgiUser/s,
    ],
  ])('refused: %s', async (_what, options, expected) => {
    site.configure(options);
    site.spawn();
    expect((await site.server.exited).code).toBe(2);
    expect(site.server.stderr).toMatch(expected);
  });

  test('an administrator’s root gateway: workers are their users', async () => {
    site.configure({ server: { user: undefined, group: undefined } });
    site.spawn('--allow-root');
    await site.server.waitForOutput(/Ready after/);
    expect(await site.ask('one', IDENTITY)).toMatchObject(identityOf(ONE));
    expect(await site.ask('three', IDENTITY)).toMatchObject({ uids: ids(0) });
    site.change(({ apps }) => (apps['one']!['user'] = TWO.name));
    expect(await site.reload()).toEqual({ ok: true, message: expect.anything() });
    expect(await site.ask('one', IDENTITY)).toMatchObject(identityOf(TWO));
    await pollUntil(() => site.spawners.length === 2);
  });
});

describe('without root', () => {
  const identity = process.geteuid!() === 0 ? { uid: GATEWAY_ID, gid: GATEWAY_ID } : {};
  const check = (): ReturnType<typeof spawnSync> => {
    const { env } = site.options;
    return spawnSync(process.execPath, [cliMain, 'check', '-b', '127.0.0.1:0'], {
      ...identity,
      cwd: site.project.directory,
      env: { ...process.env, ...env },
      encoding: 'utf8',
    });
  };
  const configure = (user: string | number): void => {
    site.project.write('xgi.config.yaml', `apps:\n  one: { target: one:app, workers: 1, user: ${user} }\n`);
  };

  test('another user is refused', () => {
    if (process.geteuid!() === 0 && !isReachable()) return;
    configure('nobody');
    const { status, stderr } = check();
    expect(stderr).toMatch(/XGI_PRIVILEGES: .*apps\.one\.user nobody: only root can change its user/s);
    expect(status).toBe(2);
  });

  test('oneself is not', () => {
    if (process.geteuid!() === 0 && !isReachable()) return;
    configure(JSON.stringify(String(process.geteuid!() === 0 ? GATEWAY_ID : process.geteuid!())));
    expect(check()).toMatchObject({ stderr: '', status: 0 });
  });
});
