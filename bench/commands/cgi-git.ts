/**
 * `git push` of a large commit, and `git clone` of it, over git http-backend: the servers in turn, each time with a new
 * repository. xgi takes part twice: it reads a push while it arrives, as the others do, or collects it first. The ratio is the median over the rounds of the ratio within a round.
 */
import { mkdirSync, rmSync, chmodSync } from 'node:fs';
import { join } from 'node:path';
import type { CgiOptions } from '../cgi-options.js';
import { cgiContenders } from '../contenders/cgi/catalog.js';
import type { CgiContender, CgiSite } from '../contenders/cgi/cgi-contender.js';
import { xgiCollected, xgiStreaming, xgiWarm } from '../contenders/cgi/xgi.js';
import type { RunningServer } from '../contenders/contender.js';
import type { CgiEnvironment } from '../environment/cgi-environment.js';
import {
  clone,
  createBareRepository,
  createSource,
  push,
  type GitSource,
} from '../measures/git-repository.js';
import { MemorySampler, type MemoryGrowth } from '../processes/memory-sampler.js';
import { gitSection } from '../report/git-table.js';
import { printReport, say } from '../report/report.js';
import { participants, withServer } from './participants.js';

/** Seconds, and resident memory of the server's own processes. */
export interface GitTransfer {
  readonly seconds: number;
  readonly memory: MemoryGrowth;
}

export interface GitResult {
  readonly contender: string;
  /** One of each for a round. */
  readonly pushes: GitTransfer[];
  readonly clones: GitTransfer[];
}

const MOUNT = '/git';
const BACKEND = '/usr/lib/git-core/git-http-backend';

export async function measureCgiGit(options: CgiOptions, environment: CgiEnvironment): Promise<boolean> {
  if (!environment.git) throw new Error('git is missing; install the Debian package git');
  const isWanted = (contender: CgiContender): boolean =>
    options.only.includes(contender) || options.baselines.includes(contender);
  const wanted = cgiContenders.filter(isWanted);
  const { taking, absent } = participants(
    wanted.flatMap((contender) => (contender === xgiWarm ? [xgiStreaming, xgiCollected] : [contender])),
    environment,
  );
  const root = repositoriesDirectory(environment.scratchDirectory);
  const source = await createSource(join(environment.scratchDirectory, 'source'), options.mebibytes);
  const results = taking.map(({ name }): GitResult => ({ contender: name, pushes: [], clones: [] }));

  const measureAll = async (servers: readonly RunningServer[]): Promise<void> => {
    for (let round = 0; round < options.rounds; round += 1) {
      for (const [index, server] of servers.entries()) {
        const result = results[index];
        if (result) await measureRound({ server, source, root }, result);
      }
    }
  };
  await withServers(taking, { target: siteOf(root), options, environment }, measureAll);

  printReport({
    environment,
    command: options.commandLine,
    workers: options.workers,
    taking,
    absent,
    sections: [gitSection(results, options)],
    raw: results,
    jsonFile: options.jsonFile,
  });
  return true;
}

/** All of them at the same time. */
async function withServers(
  [contender, ...others]: readonly CgiContender[],
  setup: Parameters<typeof withServer<void, CgiSite, CgiEnvironment>>[1],
  work: (servers: readonly RunningServer[]) => Promise<void>,
): Promise<void> {
  if (!contender) return work([]);
  await withServer(contender, setup, (server) =>
    withServers(others, setup, (servers) => work([server, ...servers])),
  );
}

interface GitRound {
  readonly server: RunningServer;
  readonly source: GitSource;
  readonly root: string;
}

async function measureRound({ server, source, root }: GitRound, result: GitResult): Promise<void> {
  const name = `${result.contender.replaceAll(/\W+/g, '-')}-${result.pushes.length}.git`;
  const repository = join(root, name);
  const url = `http://127.0.0.1:${server.port}${MOUNT}/${name}`;
  await createBareRepository(repository);
  result.pushes.push(await observed(server, () => push(source, url, repository)));
  result.clones.push(await observed(server, () => clone(source, url, `${repository}.clone`)));
  rmSync(repository, { recursive: true });
  const [pushed, cloned] = [result.pushes.at(-1), result.clones.at(-1)];
  say(`${result.contender}: push ${pushed?.seconds.toFixed(2)} s, clone ${cloned?.seconds.toFixed(2)} s`);
}

async function observed(server: RunningServer, work: () => Promise<number>): Promise<GitTransfer> {
  const sampler = new MemorySampler(server);
  try {
    const seconds = await work();
    return { seconds, memory: sampler.stop().gateway };
  } catch (error) {
    sampler.stop();
    throw error;
  }
}

function repositoriesDirectory(scratchDirectory: string): string {
  const directory = join(scratchDirectory, 'repositories');
  mkdirSync(directory);
  chmodSync(directory, 0o777);
  return directory;
}

function siteOf(root: string): CgiSite {
  return {
    path: BACKEND,
    mount: MOUNT,
    environment: {
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      // The repositories may belong to another user than the programs' (Apache's, as root).
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
    },
  };
}
