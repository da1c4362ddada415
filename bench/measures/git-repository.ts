/** Repositories for pushes and clones over HTTP, and how long these take. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from '../processes/program-run.js';

/** One commit of random files, in one pack that is sent as it is, without a search for deltas. */
export interface GitSource {
  readonly directory: string;
  readonly commit: string;
}

const BRANCH = 'main';
const FILE_BYTES = 102_400;
const MEBIBYTE = 2 ** 20;
const LIMIT_MS = 120_000;

/** Nothing of the user's configuration, nor of a proxy's. */
const ENVIRONMENT = {
  PATH: process.env['PATH'] ?? '/usr/bin:/bin',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  GIT_AUTHOR_NAME: 'bench',
  GIT_AUTHOR_EMAIL: 'bench@localhost',
  GIT_COMMITTER_NAME: 'bench',
  GIT_COMMITTER_EMAIL: 'bench@localhost',
};

export async function createSource(directory: string, mebibytes: number): Promise<GitSource> {
  mkdirSync(directory);
  await git('init', '--quiet', `--initial-branch=${BRANCH}`, directory);
  for (let number = 0; number * FILE_BYTES < mebibytes * MEBIBYTE; number += 1) {
    writeFileSync(join(directory, `file-${number}`), randomBytes(FILE_BYTES));
  }
  for (const setting of ['core.compression=0', 'pack.window=0']) {
    const [name = '', value = ''] = setting.split('=');
    await git('-C', directory, 'config', name, value);
  }
  await git('-C', directory, 'add', '.');
  await git('-C', directory, 'commit', '--quiet', '--message=random files');
  await git('-C', directory, 'repack', '-adq');
  return { directory, commit: await commitOf(directory) };
}

/** Empty, and open to pushes by every user, whoever the server's programs run as. */
export async function createBareRepository(directory: string): Promise<void> {
  await git('init', '--quiet', '--bare', `--initial-branch=${BRANCH}`, directory);
  await git('-C', directory, 'config', 'http.receivepack', 'true');
  await runProgram({ program: 'chmod', args: ['-R', 'a+rwX', directory], limitMs: LIMIT_MS });
}

/** @returns seconds. @throws when the repository then has another commit. */
export async function push(source: GitSource, url: string, repository: string): Promise<number> {
  const seconds = await timed(() => git('-C', source.directory, 'push', '--quiet', url, BRANCH));
  await expectCommit(repository, source.commit);
  return seconds;
}

/** Into a bare repository, which is removed. @returns seconds. @throws when that has another commit. */
export async function clone(source: GitSource, url: string, directory: string): Promise<number> {
  const seconds = await timed(() => git('clone', '--quiet', '--bare', url, directory));
  await expectCommit(directory, source.commit);
  rmSync(directory, { recursive: true });
  return seconds;
}

async function expectCommit(directory: string, commit: string): Promise<void> {
  const found = await commitOf(directory);
  if (found !== commit) throw new Error(`${directory} should have commit ${commit} and has ${found}`);
}

async function commitOf(directory: string): Promise<string> {
  const asOwner = ['-c', 'safe.directory=*', '-C', directory];
  return (await git(...asOwner, 'rev-parse', `refs/heads/${BRANCH}`)).trim();
}

function git(...args: string[]): Promise<string> {
  return runProgram({ program: 'git', args, env: ENVIRONMENT, limitMs: LIMIT_MS });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
