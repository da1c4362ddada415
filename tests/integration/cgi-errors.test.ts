/** What can be wrong with a program: its code in the log, the status to the client, and, with `--dev`, the same to the client as well. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CgiSite } from '../support/cgi-site.js';
import { pollUntil } from '../support/poll.js';

const site = new CgiSite();
const dev = new CgiSite();

/** One program that fails in one way. */
interface Failure {
  readonly name: string;
  /** The program's file; a fixture if not given. */
  readonly source?: string | Buffer;
  readonly mode?: number;
  readonly target?: string;
  readonly status: number;
  readonly code: string;
  /** What is observed, and what to do. */
  readonly says: RegExp;
  /** Further lines of the log. */
  readonly detail?: RegExp;
}

const FAILURES: readonly Failure[] = [
  {
    name: 'not-executable.pl',
    source: '#!/usr/bin/perl\n',
    mode: 0o644,
    status: 500,
    code: 'XGI_CGI_NO_EXEC',
    says: /not-executable\.pl is not executable; run chmod \+x \S+\/cgi-bin\/not-executable\.pl/,
  },
  {
    name: 'interpreter-is-missing.sh',
    source: '#!/usr/bin/no-such-interpreter -w\n',
    status: 500,
    code: 'XGI_CGI_BAD_INTERPRETER',
    says: /its interpreter \/usr\/bin\/no-such-interpreter is not an executable file; install it, or change the first line/,
  },
  {
    name: 'env-finds-nothing.sh',
    source: '#!/usr/bin/env no-such-interpreter\n',
    status: 500,
    code: 'XGI_CGI_BAD_INTERPRETER',
    says: /env will not find no-such-interpreter in the PATH of programs, which is \S+; install it/,
  },
  {
    name: 'interpreter-is-relative.sh',
    source: '#!python3\n',
    status: 500,
    code: 'XGI_CGI_BAD_INTERPRETER',
    says: /its first line names python3; write the interpreter's absolute path, or #!\/usr\/bin\/env python3/,
  },
  {
    name: 'crlf.sh',
    source: '#!/bin/sh\r\necho Content-Type: text/plain\r\n',
    status: 500,
    code: 'XGI_CGI_CRLF',
    says: /crlf\.sh was saved with Windows line ends.* run sed -i 's\/\\r\$\/\/' \S+\/crlf\.sh/,
  },
  {
    name: 'no-shebang.sh',
    source: 'echo Content-Type: text/plain\n',
    status: 500,
    code: 'XGI_CGI_NO_SHEBANG',
    says: /no-shebang\.sh has no #! line and is not machine code.*#!\/usr\/bin\/env python3/,
  },
  {
    name: 'byte-order-mark.py',
    source: '\ufeff#!/usr/bin/env python3\n',
    status: 500,
    code: 'XGI_CGI_NO_SHEBANG',
    says: /byte-order-mark\.py begins with a byte order mark/,
  },
  { name: 'empty', source: '', status: 500, code: 'XGI_CGI_NO_SHEBANG', says: /empty is empty/ },
  {
    name: 'not-of-this-machine',
    source: Buffer.from('\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xff\xff\0\0\0\0', 'latin1'),
    status: 500,
    code: 'XGI_CGI_NO_SHEBANG',
    says: /not-of-this-machine.*ENOEXEC.*no binary for this machine/,
  },
  {
    name: 'no-output.sh',
    source: '#!/bin/sh\necho "why there is none" >&2\n',
    status: 502,
    code: 'XGI_CGI_NO_HEAD',
    says: /ended without output: it has to print at least Content-Type: text\/html and an empty line/,
    detail: /why there is none/,
  },
  {
    name: 'no-head.sh',
    source: '#!/bin/sh\necho "<html>"\n',
    status: 502,
    code: 'XGI_CGI_BAD_HEAD',
    says: /has the line "<html>": the program printed this before its head: a head begins with Content-Type: text\/html/,
  },
  {
    name: 'no-empty-line.sh',
    source: '#!/bin/sh\necho "Content-Type: text/plain"\n',
    status: 502,
    code: 'XGI_CGI_BAD_HEAD',
    says: /has the line "Content-Type: text\/plain": the output ended before the empty line that ends a head/,
  },
  {
    name: 'head-without-end.sh',
    source:
      '#!/bin/sh\nprintf "Content-Type: text/plain\\nX-Long: "\nhead -c 100000 /dev/zero | tr "\\0" x\n',
    status: 502,
    code: 'XGI_CGI_HEAD_TOO_LARGE',
    says: /head of the CGI program's output is longer than 65536 bytes.* it begins with "Content-Type: text\/plain"/,
  },
  {
    name: 'many-fields.sh',
    source: '#!/bin/sh\nprintf "Content-Type: text/plain\\n"\nyes "X-A: b" | head -n 20000\necho\n',
    status: 502,
    code: 'XGI_CGI_HEAD_TOO_LARGE',
    says: /longer than 65536 bytes/,
  },
  {
    name: 'prints-a-debug-line.sh',
    source: '#!/bin/sh\necho "now we are here"\nprintf "Content-Type: text/plain\\n\\nbody"\n',
    status: 502,
    code: 'XGI_CGI_BAD_HEAD',
    says: /has the line "now we are here": the program printed this before its head/,
  },
  {
    name: 'prints-in-its-head.sh',
    source: '#!/bin/sh\nprintf "Content-Type: text/plain\\nnow we are here\\n\\nbody"\n',
    status: 502,
    code: 'XGI_CGI_BAD_HEAD',
    says: /has the line "now we are here": it is not a field, and the empty line that ends a head has not been printed before it \(line 2\)/,
  },
  {
    name: 'complains.sh',
    target: '/complains.sh/words?3',
    status: 502,
    code: 'XGI_CGI_EXIT',
    says: /complains\.sh ended with status 3 before it had sent a head/,
    detail: /\n {4}line 11\n(.*\n)* {4}line 20\n/,
  },
  {
    name: 'raises.py',
    source:
      '#!/usr/bin/env python3\nimport sys\nprint("Content-Type: text/plain")\nraise ValueError("of the test")\n',
    status: 502,
    code: 'XGI_CGI_EXIT',
    says: /raises\.py ended with status 1 before it had sent a head/,
    detail: /Traceback \(most recent call last\):\n(.*\n)* +ValueError: of the test\n/,
  },
  {
    name: 'kills-itself.sh',
    target: '/kills-itself.sh?SEGV',
    status: 502,
    code: 'XGI_CGI_SIGNAL',
    says: /kills-itself\.sh was killed by SIGSEGV before it had sent a head/,
    detail: /\n {4}the last words\n/,
  },
  {
    name: 'kills-itself.sh',
    target: '/kills-itself.sh?KILL',
    status: 502,
    code: 'XGI_CGI_SIGNAL',
    says: /was killed by SIGKILL before/,
    detail: /\n {4}the last words\n/,
  },
  {
    name: 'hangs.sh',
    status: 504,
    code: 'XGI_CGI_TIMEOUT',
    says: /hangs\.sh has written nothing for 1\.5 s \(--cgi-idle-timeout\) and is ended, with all that it has started/,
  },
  {
    name: 'no-such-program.sh',
    status: 404,
    code: 'XGI_CGI_NOT_FOUND',
    says: /there is no program at this path/,
  },
  {
    name: 'back-slash',
    target: '/a%5cb',
    status: 404,
    code: 'XGI_CGI_PATH',
    says: /the path has a backslash/,
  },
];

beforeAll(async () => {
  for (const each of [site, dev]) {
    for (const { name, source, mode } of FAILURES) if (source !== undefined) each.program(name, source, mode);
    each.write('outputs/words', Array.from({ length: 20 }, (_, i) => `line ${i + 1}\n`).join(''));
  }
  await Promise.all([
    site.start(['--cgi-idle-timeout', '1500ms']),
    dev.start(['--cgi-idle-timeout', '1500ms', '--dev']),
  ]);
});
afterAll(() => Promise.all([site.destroy(), dev.destroy()]));

for (const { name, target = `/${name}`, status, code, says, detail } of FAILURES) {
  test(`${target.slice(0, 40)}: ${status} ${code}`, async () => {
    const before = site.log.length;
    const answer = await site.get(target);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('connection')).toBe('close');
    const page = answer.body.toString();
    expect(page.startsWith(`${status} `)).toBe(true);
    expect(page).toContain(`\n\n${code}`);
    // It is in the log as well, with the request that had it.
    await pollUntil(() => site.log.slice(before).includes(`(GET ${target})`), { what: 'the record' });
    const logged = site.log.slice(before);
    expect(logged).toMatch(new RegExp(`\\[${status < 500 ? 'INFO' : 'ERROR'}\\] ${code}: `));
    expect(logged).toMatch(says);
    if (detail !== undefined)
      await pollUntil(() => detail.test(site.log.slice(before)), { what: String(detail) });
    if (status >= 500) expect(page).not.toMatch(says);

    const told = (await dev.get(target)).body.toString();
    expect(told).toMatch(says);
    expect(told).toContain(`${code}: `);
    if (detail !== undefined) expect(`\n${told.replaceAll(/^/gm, '    ')}`).toMatch(detail);
  });
}

describe('what cannot be started', () => {
  test('a folder that programs cannot enter, or that goes away: the error has the system’s word', async () => {
    const other = new CgiSite();
    try {
      other.program('folder/program.sh', '#!/bin/sh\n');
      await other.start();
      // Between the look at the file and its start it is gone: what stands for that is a binary whose loader is missing.
      other.program('no-loader', Buffer.concat([elfWithLoader('/lib/no-such-loader.so')]));
      const answer = await other.get('/no-loader');
      expect(answer.status).toBe(500);
      expect(await other.logged(/XGI_CGI_BAD_INTERPRETER: .*/)).toMatch(
        /ENOENT.*no-loader|no-loader.*ENOENT/s,
      );
      rmSync(other.file('cgi-bin/folder'), { recursive: true });
      expect((await other.get('/folder/program.sh')).status).toBe(404);
    } finally {
      await other.destroy();
    }
  });

  test('an end with a status, after a whole answer, is told and hurts nobody', async () => {
    site.program('late.sh', '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\nall of it"\nexit 7\n');
    const answer = await site.get('/late.sh');
    expect([answer.status, answer.body.toString(), answer.complete]).toEqual([200, 'all of it', true]);
    await site.logged(/\[INFO\] \S*late\.sh: ended with status 7, after its answer/);
  });

  test.each([
    ['', '502, if that is known before the head has left'],
    ['sleep 0.2\n', 'the client sees that it is not whole'],
  ])('fewer bytes than its Content-Length promises %j: %s', async (pause) => {
    const name = `short${pause === '' ? '' : '-later'}.sh`;
    site.program(
      name,
      `#!/bin/sh\nprintf "Content-Type: text/plain\\nContent-Length: 99\\n\\nshort"\n${pause}`,
    );
    const answer = await site.get(`/${name}`);
    if (pause !== '' || answer.status === 200) expect([answer.status, answer.complete]).toEqual([200, false]);
    else expect([answer.status, answer.complete]).toEqual([502, true]);
    await site.logged(
      new RegExp(`XGI_CGI_TRUNCATED: \\S*${name} ended with status 0 before its answer was complete`),
    );
  });

  test('killed in the middle of its answer: the client sees that it is not whole', async () => {
    site.program(
      'cut.sh',
      '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\nthe beginning"\nsleep 0.2\nkill -9 $$\n',
    );
    const answer = await site.get('/cut.sh');
    expect([answer.status, answer.complete]).toEqual([200, false]);
    await site.logged(
      /\[ERROR\] XGI_CGI_TRUNCATED: \S*cut\.sh was killed by SIGKILL before its answer was complete/,
    );
  });
});

/** A little machine code that asks for a dynamic loader. */
function elfWithLoader(loader: string): Buffer {
  const name = Buffer.from(`${loader}\0`);
  const file = Buffer.alloc(64 + 56 + name.length);
  file.write('\x7fELF\x02\x01\x01', 0, 'latin1');
  file.writeUInt16LE(2, 16);
  file.writeUInt16LE(process.arch === 'arm64' ? 183 : 62, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(64n, 32);
  file.writeUInt16LE(64, 52);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(1, 56);
  // PT_INTERP
  file.writeUInt32LE(3, 64);
  file.writeUInt32LE(4, 68);
  file.writeBigUInt64LE(120n, 72);
  file.writeBigUInt64LE(BigInt(name.length), 96);
  file.writeBigUInt64LE(BigInt(name.length), 104);
  name.copy(file, 120);
  return file;
}
