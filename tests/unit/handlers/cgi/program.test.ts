import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { inspectProgram, type Program, type ProgramOptions } from '../../../../src/handlers/cgi/program.js';
import { makeTempDir, removeTempDir } from '../../../support/temp-dir.js';

const folder = makeTempDir();
afterAll(() => removeTempDir(folder));

mkdirSync(`${folder}/bin`);
for (const name of ['python3', 'python3.99', 'python', 'python2', 'python3.11-dbg', 'pypy3', 'perl'])
  writeFileSync(`${folder}/bin/${name}`, '#!/bin/sh\n', { mode: 0o755 });
writeFileSync(`${folder}/bin/not-executable`, '', { mode: 0o644 });
symlinkSync('python3', `${folder}/bin/python3.1`);

const OPTIONS: ProgramOptions = { interpreters: new Map(), searchPath: `${folder}/bin`, warm: true };
let count = 0;

/** A file of its own for each test. */
function newFile(content: string, { ending = '.cgi', mode = 0o755 } = {}): string {
  const file = `${folder}/program${++count}${ending}`;
  writeFileSync(file, Buffer.from(content, 'latin1'));
  chmodSync(file, mode);
  return file;
}

function inspect(file: string, options: Partial<ProgramOptions> = {}): Program {
  return inspectProgram(file, statSync(file), { ...OPTIONS, ...options });
}

function expectFailure(run: () => unknown, code: string, ...parts: readonly string[]): void {
  for (const part of parts) {
    expect(run).toThrow(
      expect.objectContaining({ status: 500, code, message: expect.stringContaining(part) as string }),
    );
  }
}

describe('a script with a #! line', () => {
  test.each([
    ['#!/bin/sh\n', null],
    ['#!BIN/python3\n', 'BIN/python3'],
    ['#! BIN/python3 \n', 'BIN/python3'],
    ['#!BIN/python3.99\n', 'BIN/python3.99'],
    ['#!BIN/python\n', 'BIN/python'],
    ['#!BIN/python3.1\n', 'BIN/python3.1'],
    ['#!BIN/python3 -u\n', null],
    ['#!BIN/python2\n', null],
    ['#!BIN/python3.11-dbg\n', null],
    ['#!BIN/pypy3\n', null],
    ['#!/usr/bin/env python3\n', 'BIN/python3'],
    ['#!/usr/bin/env python\n', 'BIN/python'],
    ['#!/usr/bin/env perl\n', null],
    ['#!/usr/bin/env BIN/python3\n', 'BIN/python3'],
    ['#!/usr/bin/env -S python3 -u\n', null],
    ['#!/usr/bin/env A=b\n', null],
    ['#!/usr/bin/env\n', null],
  ])('%j is executed, and is warm by %j', (line, interpreter) => {
    const file = newFile(line.replaceAll('BIN', `${folder}/bin`));
    const warm = interpreter?.replace('BIN', `${folder}/bin`) ?? null;
    expect(inspect(file)).toEqual({ path: file, argv: [file], warm, script: file });
    expect(inspect(file, { warm: false })).toEqual({ path: file, argv: [file], warm: null, script: file });
  });

  test('the search path is searched in its order, and folders that are not absolute are passed over', () => {
    const file = newFile('#!/usr/bin/env python3\n');
    mkdirSync(`${folder}/first/python3`, { recursive: true });
    const searchPath = `:bin:.:${folder}/nowhere:${folder}/first:${folder}/bin/:/usr/bin`;
    expect(inspect(file, { searchPath }).warm).toBe(`${folder}/bin/python3`);
  });
});

test('machine code', () => {
  const file = newFile('\x7fELF\x02\x01');
  expect(inspect(file)).toEqual({ path: file, argv: [file], warm: null, script: file });
});

describe('an interpreter for the ending', () => {
  const interpreters = new Map([
    ['.pl', `${folder}/bin/perl`],
    ['.py', `${folder}/bin/python3`],
    ['.old.py', `${folder}/bin/python2`],
    ['.gone', `${folder}/bin/gone`],
    ['.no', `${folder}/bin/not-executable`],
  ]);

  test.each([
    ['.pl', 'perl', false],
    ['.py', 'python3', true],
    ['.old.py', 'python2', false],
  ])('%s', (ending, name, isWarm) => {
    const file = newFile('no shebang\r\n', { ending, mode: 0o644 });
    const interpreter = `${folder}/bin/${name}`;
    expect(inspect(file, { interpreters })).toEqual({
      path: interpreter,
      argv: [interpreter, file],
      warm: isWarm ? interpreter : null,
      script: file,
    });
    expect(inspect(file, { interpreters, warm: false }).warm).toBeNull();
  });

  test.each(['.gone', '.no'])('%s: which cannot be executed', (ending) => {
    const file = newFile('', { ending });
    expectFailure(
      () => inspect(file, { interpreters }),
      'XGI_CGI_BAD_INTERPRETER',
      file,
      interpreters.get(ending)!,
      'change the setting',
    );
  });

  test.each(['.PL', '.plx', '.p'])('is not for %s', (ending) => {
    const file = newFile('#!/bin/sh\n', { ending });
    expect(inspect(file, { interpreters }).path).toBe(file);
  });
});

describe('what cannot be run', () => {
  test('without the x bit', () => {
    const file = newFile('#!/bin/sh\n', { mode: 0o644 });
    const message = `${path.basename(file)} is not executable; run chmod +x ${file}`;
    expectFailure(() => inspect(file), 'XGI_CGI_NO_EXEC', message);
    chmodSync(file, 0o744);
    expect(inspect(file).path).toBe(file);
  });

  test('without the x bit, as root and as another', () => {
    const file = newFile('#!/bin/sh\n', { mode: 0o644 });
    for (const uid of [0, 1000]) {
      const getuid = vi.spyOn(process, 'getuid').mockReturnValue(uid);
      try {
        expectFailure(() => inspect(file), 'XGI_CGI_NO_EXEC', file);
      } finally {
        getuid.mockRestore();
      }
    }
  });

  test('a name that a shell would read otherwise is quoted', () => {
    const file = newFile('', { ending: " it's.cgi", mode: 0o644 });
    const command = /run (.*)$/.exec(messageOf(() => inspect(file)))![1]!;
    expect(spawnSync('sh', ['-c', command]).status).toBe(0);
    expect(statSync(file).mode & 0o111).not.toBe(0);
  });

  test('Windows line ends, and the command that mends them', () => {
    const file = newFile('#!/bin/sh\r\nexit 0\r\n');
    expectFailure(() => inspect(file), 'XGI_CGI_CRLF', `run sed -i 's/\\r$//' ${file}`);
    expect(spawnSync('sh', ['-c', /run (.*)$/.exec(messageOf(() => inspect(file)))![1]!]).status).toBe(0);
    expect(inspect(file).path).toBe(file);
    expect(spawnSync(file).status).toBe(0);
  });

  test.each([
    ['', 'is empty'],
    ['echo hello\n', 'has no #! line'],
    ['\n#!/bin/sh\n', 'has no #! line'],
    ['\xef\xbb\xbf#!/bin/sh\n', 'begins with a byte order mark'],
  ])('%j', (content, observed) => {
    const file = newFile(content);
    expectFailure(() => inspect(file), 'XGI_CGI_NO_SHEBANG', `${file} ${observed}`, '#!/usr/bin/env python3');
  });

  test.each([
    ['#!/nowhere/perl\n', '/nowhere/perl is not an executable file'],
    ['#!/etc\n', '/etc is not an executable file'],
    ['#!/etc/passwd\n', '/etc/passwd is not an executable file'],
    ['#!perl\n', '#!/usr/bin/env perl'],
    ['#!/usr/bin/env ruby99\n', `env will not find ruby99 in the PATH of programs, which is ${folder}/bin`],
    ['#!/usr/bin/env not-executable\n', 'env will not find not-executable'],
    ['#!/usr/bin/env /nowhere/perl\n', 'env will not find /nowhere/perl'],
    ['#!/usr/bin/env python3 -u\n', "whose name is 'python3 -u'; write #!/usr/bin/env -S python3 -u"],
  ])('%j', (line, observed) => {
    const file = newFile(line);
    expectFailure(() => inspect(file), 'XGI_CGI_BAD_INTERPRETER', file, observed);
  });

  test('what was removed a moment ago is a 404', () => {
    const file = newFile('#!/bin/sh\n');
    const stats = statSync(file);
    rmSync(file);
    expect(() => inspectProgram(file, stats, { ...OPTIONS })).toThrow(
      expect.objectContaining({ status: 404, code: 'XGI_CGI_GONE' }),
    );
  });

  test('a fifo in its place does not stop the gateway', () => {
    const file = newFile('#!/bin/sh\n');
    const stats = statSync(file);
    rmSync(file);
    expect(spawnSync('mkfifo', [file]).status).toBe(0);
    expect(() => inspectProgram(file, stats, { ...OPTIONS })).toThrow(
      expect.objectContaining({ status: 500, code: expect.stringMatching(/^XGI_CGI_/) as string }),
    );
  });
});

test('a path that is no UTF-8', () => {
  const bytes = Buffer.from(`${folder}/\xff\xe9.cgi`, 'latin1');
  writeFileSync(bytes, '#!/bin/sh\n', { mode: 0o755 });
  const file = bytes.toString('latin1');
  expect(inspectProgram(file, statSync(bytes), OPTIONS).path).toBe(file);
});

describe('what is remembered', () => {
  test('a file that has not changed is not read again, and one that has is', () => {
    const file = newFile('#!/bin/sh\n');
    const young = statSync(file);
    vi.useFakeTimers({ now: Date.now() + 60_000, toFake: ['Date'] });
    try {
      const options = { ...OPTIONS };
      const program = inspectProgram(file, young, options);
      expect(inspectProgram(file, young, options)).toBe(program);
      expect(inspectProgram(file, young, { ...options })).not.toBe(program);
      writeFileSync(file, `#!${folder}/bin/python3\n`);
      expect(inspectProgram(file, statSync(file), options).warm).toBe(`${folder}/bin/python3`);
    } finally {
      vi.useRealTimers();
    }
  });

  test('a change within one tick of the clock is seen: what is young is not remembered', () => {
    const file = newFile('#!/bin/sh\n');
    const options = { ...OPTIONS };
    const stats = statSync(file);
    expect(inspectProgram(file, stats, options)).not.toBe(inspectProgram(file, stats, options));
    writeFileSync(file, '#!/BIN/sh\n');
    expectFailure(() => inspectProgram(file, stats, options), 'XGI_CGI_BAD_INTERPRETER', '/BIN/sh');
  });

  test('a change that sets its time back is seen by the ctime', () => {
    const file = newFile('#!/bin/sh\n');
    utimesSync(file, 1000, 1000);
    const young = statSync(file);
    vi.useFakeTimers({ now: Date.now() + 60_000, toFake: ['Date'] });
    try {
      const options = { ...OPTIONS };
      const stats = { ...young, ctimeMs: young.ctimeMs - 1000 } as Stats;
      inspectProgram(file, stats, options);
      writeFileSync(file, '#!/BIN/sh\n');
      utimesSync(file, 1000, 1000);
      expect(statSync(file)).toMatchObject({ ino: young.ino, size: young.size, mtimeMs: young.mtimeMs });
      expectFailure(
        () => inspectProgram(file, statSync(file), options),
        'XGI_CGI_BAD_INTERPRETER',
        '/BIN/sh',
      );
    } finally {
      vi.useRealTimers();
    }
  });
});

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}
