import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { chooseInterpreter } from '../../../src/config/python.js';
import { ConfigError } from '../../../src/errors.js';
import { makeTempDir, removeTempDir } from '../../support/temp-dir.js';

let directory: string;

beforeEach(() => {
  directory = makeTempDir();
});

afterEach(() => removeTempDir(directory));

/** A program that answers as an interpreter of that version would. */
function fakePython(relative: string, output = 'xgi-python 3.11.7', status = 0): string {
  const file = path.join(directory, relative);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\nprintf %s '${output}'\nexit ${status}\n`);
  chmodSync(file, 0o755);
  return file;
}

function choose(python?: string, env: Record<string, string> = {}) {
  return chooseInterpreter({ python, directory, env });
}

async function refusal(python?: string, env: Record<string, string> = {}): Promise<string> {
  const error = await choose(python, env).then(
    (interpreter) => `chose ${interpreter.path}`,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ConfigError);
  expect((error as ConfigError).code).toBe('XGI_CONFIG_PYTHON');
  return (error as ConfigError).message;
}

describe('the order', () => {
  test('--python, VIRTUAL_ENV, .venv, venv, python3 on PATH', async () => {
    const onPath = fakePython('bin/python3');
    const env = { PATH: `${path.join(directory, 'none')}:${path.join(directory, 'bin')}` };
    expect((await choose(undefined, env)).path).toBe(onPath);
    const venv = fakePython('venv/bin/python');
    expect((await choose(undefined, env)).path).toBe(venv);
    const dotVenv = fakePython('.venv/bin/python');
    expect((await choose(undefined, env)).path).toBe(dotVenv);
    const active = fakePython('active/bin/python');
    const withActive = { ...env, VIRTUAL_ENV: path.join(directory, 'active') };
    expect((await choose(undefined, withActive)).path).toBe(active);
    const given = fakePython('given');
    expect((await choose('./given', withActive)).path).toBe(given);
  });

  test('a name is looked up in PATH, not in the directory', async () => {
    fakePython('python3.11');
    const found = fakePython('bin/python3.11');
    expect(await choose('python3.11', { PATH: `:${path.join(directory, 'bin')}` })).toEqual({
      path: found,
      version: '3.11.7',
    });
  });

  test('a symbolic link is kept: a virtual environment is its link', async () => {
    const real = fakePython('real');
    mkdirSync(path.join(directory, '.venv/bin'), { recursive: true });
    symlinkSync(real, path.join(directory, '.venv/bin/python'));
    expect((await choose()).path).toBe(path.join(directory, '.venv/bin/python'));
  });
});

describe('refused is', () => {
  test('a missing file', async () => {
    expect(await refusal('./none')).toBe(
      `--python: expected a Python 3.8 or later, received "${directory}/none": there is no such file`,
    );
  });

  test('a name that is not on PATH', async () => {
    expect(await refusal('python9', { PATH: '/none' })).toContain(
      'received "python9": no such program is on PATH',
    );
  });

  test('a file that is not executable', async () => {
    chmodSync(fakePython('python'), 0o644);
    expect(await refusal('./python')).toContain('it is not executable');
  });

  test.runIf(process.geteuid?.() === 0)('one that the user it is for cannot reach', async () => {
    const file = fakePython('closed/python');
    chmodSync(path.dirname(file), 0o700);
    const runAs = { uid: 65_534, gid: 65_534, env: {} };
    await expect(chooseInterpreter({ python: file, directory, env: {}, runAs })).rejects.toThrow(
      `received "${file}": user 65534 may not execute it, or not enter a folder above it; choose another with --python`,
    );
  });

  test('a directory', async () => {
    expect(await refusal('./')).toMatch(/it is a directory$/);
  });

  test.each(['.venv', './.venv', '.venv/'])(
    'a virtual environment instead of its interpreter: %s',
    async (name) => {
      fakePython('.venv/bin/python');
      expect(await refusal(name)).toMatch(/it is a directory; did you mean \.venv\/bin\/python\?$/);
    },
  );

  test('a program that is no Python', async () => {
    fakePython('other', 'hello');
    expect(await refusal('./other')).toContain('it is no Python');
  });

  test('a program that fails', async () => {
    fakePython('failing', '', 3);
    expect(await refusal('./failing')).toContain('it is no Python (it exited with status 3)');
  });

  test.each(['2.7.18', '3.7.17'])('Python %s', async (version) => {
    fakePython('old', `xgi-python ${version}`);
    expect(await refusal('./old')).toContain(`it is Python ${version}`);
  });

  test('VIRTUAL_ENV that points nowhere, although python3 is there', async () => {
    fakePython('bin/python3');
    const message = await refusal(undefined, { PATH: path.join(directory, 'bin'), VIRTUAL_ENV: '/none' });
    expect(message).toContain('VIRTUAL_ENV: expected a Python 3.8 or later, received "/none/bin/python"');
  });

  test('a virtual environment whose interpreter has gone', async () => {
    mkdirSync(path.join(directory, 'venv/bin'), { recursive: true });
    symlinkSync('/none/python3', path.join(directory, 'venv/bin/python'));
    expect(await refusal()).toContain('venv/bin/python": there is no such file');
  });

  test('a machine without any', async () => {
    expect(await refusal(undefined, { PATH: '/none' })).toContain('no python3 on PATH');
    expect(await refusal(undefined, {})).toContain('no python3 on PATH');
  });
});

test('3.8 and 4.0 will do', async () => {
  fakePython('oldest', 'xgi-python 3.8.0');
  fakePython('newest', 'xgi-python 4.0.0');
  expect((await choose('./oldest')).version).toBe('3.8.0');
  expect((await choose('./newest')).version).toBe('4.0.0');
});
