/**
 * Privileges that are really taken on, each time by a process of its own: there is no way back. As root all of it is
 * tested; as another user, what that one can do.
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { resolvePrivileges, type Privileges } from '../../src/process/privileges.js';
import { repository } from '../support/paths.js';
import { run } from '../support/process.js';
import { makeTempDir, removeTempDir } from '../support/temp-dir.js';
import { testPython } from '../support/test-env.js';

const NOTHING: Privileges = { uid: null, gid: null, groupsOf: null, umask: null, env: {} };
const NOBODY = resolvePrivileges(
  { user: 'nobody', group: null, umask: null },
  { nameOf: (option) => `--${option}`, identity: { uid: 0, gid: 0 } },
);
/** Ids without an account. */
const NUMBERS: Privileges = { ...NOTHING, uid: 54_321, gid: 54_322 };

/** Prints what `words` makes of `result`; an error of dropPrivileges is its code and message. */
const PRELUDE = `
import fs from 'node:fs';
import { checkReach, dropPrivileges, giveFile } from '${pathToFileURL(path.join(repository, 'dist/process/privileges.js')).href}';
const [privileges, directory] = JSON.parse(process.argv[1]);
const result = {};
const codeOf = (call) => { try { call(); return 'done'; } catch (error) { return error.code; } };
const drop = () => {
  try {
    dropPrivileges(privileges);
  } catch (error) {
    console.log(JSON.stringify({ code: error.code, message: error.message }));
    process.exit();
  }
};
`;

/** Has a bit of the kernel's set before the program is started: prctl(2). */
const WITH_PRCTL = `
import ctypes, os, sys
for call in sys.argv[1].split(";"):
    assert ctypes.CDLL(None).prctl(*map(int, call.split()), 0, 0, 0) == 0
os.execv(sys.argv[2], sys.argv[2:])
`;
/** PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP: capabilities stay when root is given up. */
const KEEP_CAPABILITIES = '28 4';
/** PR_CAPBSET_DROP of CAP_SETGID and CAP_SETUID, as "docker run --cap-drop". */
const DROP_CAPABILITIES = '24 6;24 7';

let directory: string;

beforeEach(() => {
  directory = makeTempDir();
  chmodSync(directory, 0o711);
});

afterEach(() => removeTempDir(directory));

async function inChild(
  privileges: Privileges,
  words: string,
  prctl?: string,
): Promise<Record<string, unknown>> {
  const script = `${PRELUDE}${words}\nconsole.log(JSON.stringify(result));`;
  const node = [
    process.execPath,
    '--input-type=module',
    '-e',
    script,
    JSON.stringify([privileges, directory]),
  ];
  const [command = '', ...args] =
    prctl === undefined ? node : [testPython(), '-c', WITH_PRCTL, prctl, ...node];
  const { code, stdout, stderr } = await run(command, args);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** Of all threads, those of the pool among them: the lines Uid and Gid are real, effective, saved and file system id. */
const IDS_OF_THREADS = `
  await Promise.all(Array.from({ length: 8 }, () => fs.promises.readFile('/proc/self/stat')));
  drop();
  result.threads = fs.readdirSync('/proc/self/task').map((thread) => {
    const status = fs.readFileSync('/proc/self/task/' + thread + '/status', 'latin1');
    return ['Uid', 'Gid', 'Groups', 'CapPrm', 'CapEff'].map(
      (name) => new RegExp('^' + name + ':(.*)$', 'm').exec(status)[1].trim().replaceAll(/\\s+/g, ' '));
  });
`;

function tests(): void {
  test('the umask is taken on', async () => {
    const { mode } = await inChild(
      { ...NOTHING, umask: 0o27 },
      `drop();
      fs.writeFileSync(directory + '/file', '');
      fs.mkdirSync(directory + '/folder');
      result.mode = ['file', 'folder'].map((name) => fs.statSync(directory + '/' + name).mode & 0o777);`,
    );
    expect(mode).toEqual([0o640, 0o750]);
  });

  test('nothing wanted, nothing changed', async () => {
    const ids = '[process.getuid(), process.getgid(), process.getgroups(), process.umask()].join()';
    const { before, after } = await inChild(
      NOTHING,
      `result.before = ${ids}; drop(); result.after = ${ids};`,
    );
    expect(after).toBe(before);
  });
}

function testsOfRoot(): void {
  describe.each([
    ['nobody', NOBODY],
    ['a number', NUMBERS],
  ])('%s', (_name, privileges) => {
    test('is what all threads become, without capabilities', async () => {
      const { threads } = (await inChild(privileges, IDS_OF_THREADS)) as { threads: string[][] };
      // The main one, those of V8 and of the pool.
      expect(threads.length).toBeGreaterThan(4);
      for (const [uid, gid, groups, permitted, effective] of threads) {
        expect(uid).toBe(Array.from({ length: 4 }, () => privileges.uid).join(' '));
        expect(gid).toBe(Array.from({ length: 4 }, () => privileges.gid).join(' '));
        expect(groups).toBe(`${privileges.gid}`);
        expect([permitted, effective]).toEqual(['0000000000000000', '0000000000000000']);
      }
    });

    test('cannot become root again', async () => {
      const result = await inChild(
        privileges,
        `drop();
        for (const name of ['setuid', 'seteuid', 'setgid', 'setegid'])
          result[name] = codeOf(() => process[name](0));
        result.setgroups = codeOf(() => process.setgroups([0]));
        result.initgroups = codeOf(() => process.initgroups('root', 0));`,
      );
      expect(new Set(Object.values(result))).toEqual(new Set(['EPERM']));
    });

    test('has the rights of that user, in the main thread and in the pool', async () => {
      mkdirSync(path.join(directory, 'open'));
      chmodSync(path.join(directory, 'open'), 0o777);
      writeFileSync(path.join(directory, 'secret'), 'secret', { mode: 0o600 });
      const { read } = await inChild(
        privileges,
        `drop();
        result.read = [
          codeOf(() => fs.readFileSync(directory + '/secret')),
          await fs.promises.readFile(directory + '/secret').catch((error) => error.code),
        ];
        fs.writeFileSync(directory + '/open/main', '');
        await fs.promises.writeFile(directory + '/open/pool', '');`,
      );
      expect(read).toEqual(['EACCES', 'EACCES']);
      for (const name of ['main', 'pool'])
        expect(statSync(path.join(directory, 'open', name))).toMatchObject({
          uid: privileges.uid,
          gid: privileges.gid,
        });
    });
  });

  test('what is started afterwards runs as that user', async () => {
    const { id } = await inChild(
      NOBODY,
      `const { execFileSync } = await import('node:child_process');
      drop();
      result.id = execFileSync('id', ['-u'], { encoding: 'utf8' }).trim();`,
    );
    expect(id).toBe(`${NOBODY.uid}`);
  });

  test('a group alone leaves the user', async () => {
    const { threads } = (await inChild({ ...NOTHING, gid: 54_322 }, IDS_OF_THREADS)) as {
      threads: string[][];
    };
    for (const [uid, gid, groups] of threads)
      expect([uid, gid, groups]).toEqual(['0 0 0 0', '54322 54322 54322 54322', '54322']);
  });

  test('a system that keeps capabilities is found out', async () => {
    expect(await inChild(NOBODY, 'drop();', KEEP_CAPABILITIES)).toMatchObject({
      code: 'XGI_PRIVILEGES',
      message: expect.stringContaining('root was given up but could be had back') as string,
    });
  });

  test('a container without the capabilities is told which', async () => {
    for (const privileges of [NOBODY, NUMBERS])
      expect(await inChild(privileges, 'drop();', DROP_CAPABILITIES)).toMatchObject({
        code: 'XGI_PRIVILEGES',
        message: expect.stringMatching(/cannot change user and group: .*SETUID and SETGID/s) as string,
      });
  });

  test('what the user cannot reach is named', async () => {
    mkdirSync(path.join(directory, 'closed'), { mode: 0o700 });
    mkdirSync(path.join(directory, 'blind'));
    chmodSync(path.join(directory, 'blind'), 0o711);
    writeFileSync(path.join(directory, 'closed/python'), '', { mode: 0o755 });
    writeFileSync(path.join(directory, 'no-program'), '', { mode: 0o644 });
    const { messages } = await inChild(
      NOBODY,
      `drop();
      const messageOf = (folder, python, program = '/bin') => {
        try {
          checkReach(privileges, { directory: folder, python, program });
          return 'reached';
        } catch (error) {
          return error.code + ' ' + error.message.replaceAll(directory, '').replace(/: it, .*/, '');
        }
      };
      result.messages = [
        messageOf('/', '/bin/sh'),
        messageOf(directory + '/closed', '/bin/sh'),
        messageOf(directory + '/blind', '/bin/sh'),
        messageOf('/', directory + '/closed/python'),
        messageOf('/', directory + '/no-program'),
        messageOf('/', '/bin/sh', directory + '/closed/xgi_worker'),
      ];`,
    );
    expect(messages).toEqual([
      'reached',
      'XGI_PRIVILEGES user nobody cannot enter the folder /closed (EACCES)',
      'XGI_PRIVILEGES user nobody cannot read the folder /blind (EACCES)',
      'XGI_PRIVILEGES user nobody cannot run the interpreter /closed/python (EACCES)',
      'XGI_PRIVILEGES user nobody cannot run the interpreter /no-program (EACCES)',
      "XGI_PRIVILEGES user nobody cannot read xgi's own /closed/xgi_worker (EACCES)",
    ]);
  });

  describe('of what root has made', () => {
    test('a file goes to the user, who can open it again', async () => {
      const { opened } = await inChild(
        NOBODY,
        `const file = directory + '/access.log';
        fs.writeFileSync(file, '', { mode: 0o600 });
        giveFile(file, privileges);
        drop();
        result.opened = codeOf(() => fs.appendFileSync(file, 'line'));`,
      );
      expect(opened).toBe('done');
      const { uid, gid } = statSync(path.join(directory, 'access.log'));
      expect({ uid, gid }).toEqual({ uid: NOBODY.uid, gid: NOBODY.gid });
    });

    test('what has another owner, a device and the target of a link stay', async () => {
      writeFileSync(path.join(directory, 'target'), '');
      symlinkSync('target', path.join(directory, 'link'));
      await inChild(
        NOBODY,
        `fs.writeFileSync(directory + '/other', '');
        fs.chownSync(directory + '/other', 54321, 54322);
        for (const file of [directory + '/other', directory + '/link', '/dev/null']) giveFile(file, privileges);`,
      );
      const owners = ['other', 'target', 'link'].map((name) => statSync(path.join(directory, name)).uid);
      expect([...owners, statSync('/dev/null').uid]).toEqual([54_321, 0, 0, 0]);
    });

    test('nothing goes, if the user stays', async () => {
      writeFileSync(path.join(directory, 'file'), '');
      await inChild({ ...NOTHING, gid: 54_322 }, `giveFile(directory + '/file', privileges);`);
      expect(statSync(path.join(directory, 'file'))).toMatchObject({ uid: 0, gid: 0 });
    });
  });
}

function testsOfOthers(): void {
  test('the system refuses a change', async () => {
    expect(await inChild(NUMBERS, 'drop();')).toMatchObject({ code: 'XGI_PRIVILEGES' });
  });
}

tests();
if (process.getuid?.() === 0) testsOfRoot();
else testsOfOthers();

test('supplementary groups are those of the account', async () => {
  const member = memberOfGroups();
  const privileges = resolvePrivileges(
    { user: member.name, group: null, umask: null },
    { nameOf: (option) => `--${option}`, identity: { uid: 0, gid: 0 } },
  );
  expect(privileges).toMatchObject({ uid: member.uid, groupsOf: member.name });
  if (process.getuid?.() !== 0) return;
  const { groups } = (await inChild(privileges, 'drop(); result.groups = process.getgroups();')) as {
    groups: number[];
  };
  expect(groups.toSorted((a, b) => a - b)).toEqual(member.groups.toSorted((a, b) => a - b));
});

/** The user of this machine with the most groups, and that is not root. */
function memberOfGroups(): { name: string; uid: number; groups: number[] } {
  const rows = (file: string): string[][] =>
    existsSync(file)
      ? readFileSync(file, 'utf8')
          .trim()
          .split('\n')
          .map((line) => line.split(':'))
      : [];
  const members = rows('/etc/passwd')
    .filter(([, , uid]) => uid !== '0')
    .map(([name = '', , uid, gid]) => ({
      name,
      uid: Number(uid),
      groups: [
        ...new Set([
          Number(gid),
          ...rows('/etc/group')
            .filter(([, , , list = '']) => list.split(',').includes(name))
            .map(([, , id]) => Number(id)),
        ]),
      ],
    }));
  return members.reduce((most, member) => (member.groups.length > most.groups.length ? member : most));
}
