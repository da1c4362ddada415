/**
 * The story of the attack: two applications in one server have a user each, and perhaps a group in common. One of them has been taken over. It wants what
 * passes between the gateway and the other: the socket, with a worker's token; bodies of requests; standard error. And it wants the gateway,
 * which is a user of its own, to write or to remove something elsewhere: it puts links and folders where the gateway makes and removes files.
 */
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { pollUntil } from '../support/poll.js';
import { allGone, GATEWAY_ID, isReachable, ONE, TWO, UserSite } from '../support/user-site.js';
import { isRunning } from '../support/xgi.js';

let site: UserSite;

beforeEach(() => {
  site = new UserSite();
});
afterEach(() => site.destroy());

/** Tries each statement. `value` is what could be done. */
const attempt = (statements: readonly string[]): string => `
value = []
import socket, shutil
for statement in ${JSON.stringify(statements)}:
    try:
        exec(statement)
        value.append(statement)
    except OSError:
        pass
`;

describe.runIf(isReachable())('an application with a user of its own', () => {
  test.each([
    ['', {}],
    [', in the same group', { group: String(TWO.gid) }],
  ])('reaches nothing of another%s', async (_what, one) => {
    await site.start({ one });
    const isSame = 'group' in one;
    const two = await site.pidOf('two');
    // While a body lies in a file.
    const reading = site.ask('two', 'time.sleep(1)', 'x'.repeat(100_000));
    const target = await pollUntil(() => findBody(site.temporary));
    const names = readdirSync(target);
    expect(names.map((name) => name.replace(/-.*/, '')).toSorted()).toEqual([
      'body',
      'host',
      'socket',
      'state',
      'stderr',
    ]);
    const at = (name: string): string => JSON.stringify(path.join(target, name));
    const state = names.find((name) => name.startsWith('state-'))!;
    const listing = [
      `os.listdir(${JSON.stringify(target)})`,
      `os.listdir(${at('stderr')})`,
      `open("/proc/${two}/environ", "rb").read(1)`,
      `open("/proc/${two}/mem", "rb")`,
      `os.listdir("/proc/${two}/fd")`,
      `os.listdir("/proc/${two}/map_files")`,
      `open("/proc/${two}/maps").read(1)`,
      `open("/proc/${site.server.pid}/environ", "rb").read(1)`,
      `os.listdir("/proc/${site.server.pid}/fd")`,
      ...site.spawners.flatMap((pid) => [`os.listdir("/proc/${pid}/fd")`, `open("/proc/${pid}/mem", "rb")`]),
      // Nothing is its own to replace, not even by who knows the name.
      `os.remove(${at('socket')})`,
      `os.rename(${at(state)}, ${at('other')})`,
      `open(${at('new')}, "w")`,
      `os.rename(${JSON.stringify(target)}, ${JSON.stringify(`${target}-away`)})`,
    ];
    expect(await site.ask('one', attempt(listing))).toEqual([]);
    if (!isSame) {
      const inside = [`open(${at(names.find((name) => name.startsWith('body-'))!)})`, `open(${at(state)})`];
      const connect = `socket.socket(socket.AF_UNIX).connect(${at('socket')})`;
      expect(await site.ask('one', attempt([...inside, connect]))).toEqual([]);
    }
    await reading;
    expect(await site.pidOf('two')).toBe(two);
  });

  test('has the gateway remove and write nothing elsewhere', async () => {
    // Of the gateway's user, as its certificates, say.
    const precious = site.project.file('precious');
    mkdirSync(precious);
    writeFileSync(path.join(precious, 'key'), 'SECRET');
    for (const file of [path.join(precious, 'key'), precious]) chownSync(file, GATEWAY_ID, GATEWAY_ID);
    await site.start();
    const folder = site.folderOf(ONE);
    const attack = `
fifos = ${JSON.stringify(path.join(folder, 'stderr'))}
os.symlink(${JSON.stringify(precious)}, fifos + "/link")
os.symlink(${JSON.stringify(path.join(precious, 'key'))}, fifos + "/link-to-file")
os.mkdir(fifos + "/full")
os.symlink(${JSON.stringify(precious)}, fifos + "/full/link")
os.mkdir(fifos + "/empty")
if not os.fork():
    os.setsid()
    os.closerange(0, 100)
    while os.path.exists(fifos):
        for here, there in (("/swap", "/aside"), ("/aside", "/swap")):
            try:
                os.rename(fifos + here, fifos + there)
            except OSError:
                pass
        try:
            os.mkdir(fifos + "/swap")
            os.symlink(${JSON.stringify(precious)}, fifos + "/aside")
        except OSError:
            pass
    os._exit(0)
`;
    // The fork answers as well.
    await site.ask('one', attack).catch(() => {});
    const all = site.pids;
    process.kill(
      all.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('xgi_worker'))!,
      'SIGKILL',
    );
    await site.server.waitForOutput(/XGI_WORKER_EXIT/);
    expect(await site.ask('one', 'value = 1')).toBe(1);
    expect((await site.server.stop()).code).toBe(0);
    expect(readFileSync(path.join(precious, 'key'), 'latin1')).toBe('SECRET');
    for (const pid of all.filter(isRunning)) process.kill(pid, 'SIGKILL');
    await allGone(all);
    // What only its own user could remove is left; nothing of the gateway's is.
    if (existsSync(folder)) expect(readdirSync(folder)).toEqual(['stderr']);
    expect(statSync(precious).uid).toBe(GATEWAY_ID);
  });

  test('takes no descriptors with connections that say nothing', async () => {
    await site.start();
    const folder = site.folderOf(ONE);
    const attack = `
import resource, socket
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
import builtins
builtins.kept = []
for _ in range(3000):
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(5)
    try:
        connection.connect(${JSON.stringify(path.join(folder, 'socket'))})
    except OSError:
        pass
    builtins.kept.append(connection)
`;
    await site.ask('one', attack);
    expect(readdirSync(`/proc/${site.server.pid}/fd`).length).toBeLessThan(700);
    expect(await site.ask('two', 'value = 2')).toBe(2);
  });
});

function findBody(temporary: string): string | undefined {
  return readdirSync(temporary)
    .map((name) => path.join(temporary, name))
    .find((name) => readdirSync(name).some((file) => file.startsWith('body-')));
}
