/** git with a configuration of its own: nothing of the machine's or of the developer's reaches it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { run } from './process.js';

export interface GitRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class Git {
  readonly #directory: string;
  readonly #env: Readonly<Record<string, string | undefined>>;

  /** @param directory the home folder; what {@link run} is relative to */
  constructor(directory: string) {
    this.#directory = directory;
    this.#env = {
      HOME: directory,
      XDG_CONFIG_HOME: undefined,
      GIT_CONFIG_GLOBAL: path.join(directory, 'gitconfig'),
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
      GIT_DIR: undefined,
      GIT_WORK_TREE: undefined,
      GIT_INDEX_FILE: undefined,
      GIT_AUTHOR_DATE: '2026-01-02T03:04:05Z',
      GIT_COMMITTER_DATE: '2026-01-02T03:04:05Z',
      NO_PROXY: '127.0.0.1',
      no_proxy: '127.0.0.1',
      LC_ALL: 'C.UTF-8',
    };
    const settings = [
      '[user]\nname = Zoë Ünal\nemail = zoe@example.org',
      '[init]\ndefaultBranch = main',
      '[protocol]\nversion = 2',
      '[gc]\nauto = 0',
      '[maintenance]\nauto = false',
      '[advice]\ndetachedHead = false',
    ];
    writeFileSync(path.join(directory, 'gitconfig'), `${settings.join('\n')}\n`);
  }

  /** @throws if it fails */
  async run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<GitRun> {
    const result = await this.attempt(args, env);
    if (result.code !== 0)
      throw new Error(`git ${args.join(' ')} ended with status ${result.code}: ${result.stderr}`);
    return result;
  }

  /** The same for one that may fail. */
  async attempt(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<GitRun> {
    return await run('git', args, { cwd: this.#directory, env: { ...this.#env, ...env } });
  }

  /** What it prints, without the white space around. */
  async read(...args: readonly string[]): Promise<string> {
    return (await this.run(args)).stdout.trim();
  }
}

export interface SampleRepository {
  /** Of the two commits; the second is the head of `main`. */
  readonly first: string;
  readonly second: string;
}

/** What {@link makeSampleRepository} has in `logo.bin`. */
export const SAMPLE_BYTES = Buffer.from(Array.from({ length: 1024 }, (_, i) => (i * 7) % 256));

/**
 * Makes a bare repository for pages to show: two commits, a folder, names and contents that have to be escaped, a binary file.
 *
 * @param name below the folder of `git`
 */
export async function makeSampleRepository(
  git: Git,
  directory: string,
  name: string,
): Promise<SampleRepository> {
  const work = `${name}.work`;
  const commit = async (
    files: Readonly<Record<string, string | Buffer>>,
    message: string,
  ): Promise<string> => {
    for (const [file, content] of Object.entries(files)) {
      const target = path.join(directory, work, file);
      mkdirSync(path.dirname(target), { recursive: true });
      writeFileSync(target, content);
    }
    await git.run(['-C', work, 'add', '--all']);
    await git.run(['-C', work, 'commit', '--quiet', '-m', message]);
    return await git.read('-C', work, 'rev-parse', 'HEAD');
  };
  await git.run(['init', '--quiet', work]);
  const first = await commit(
    {
      'README.txt': '<b>bold & brave</b>\n',
      'src/größe & more.c': 'int main(void) { return 1 < 2; }\n',
      'logo.bin': SAMPLE_BYTES,
    },
    'First <light>',
  );
  const second = await commit(
    { 'README.txt': '<b>bold & brave</b>\nand a second line\n' },
    'Add a line & a half',
  );
  await git.run(['clone', '--quiet', '--bare', work, name]);
  return { first, second };
}
