/** A large upload, and a large download to a client that reads slowly: does memory stay small? */
import type { Contender, RunningServer } from '../contenders/contender.js';
import type { Environment } from '../environment/environment.js';
import { download, upload, type Transfer } from '../measures/large-transfer.js';
import type { Options } from '../options.js';
import { MemorySampler, type MemoryGrowth, type MemoryRecord } from '../processes/memory-sampler.js';
import { formatMebibytes, formatNumber } from '../report/figures.js';
import { markdownTable } from '../report/markdown-table.js';
import { printReport, say } from '../report/report.js';
import { participants, withServer } from './participants.js';

interface LargeResult {
  readonly contender: string;
  readonly what: 'upload' | 'download to a slow client';
  /** Absent if the transfer failed. */
  readonly transfer?: Transfer;
  readonly failure?: string;
  readonly memory: MemoryRecord;
}

const TARGET = 'large:app';
/** Wakes what is loaded on first use, so that it does not count as growth. */
const WARM_UP_MEBIBYTES = 1;

export async function measureLarge(options: Options, environment: Environment): Promise<boolean> {
  const { taking, absent } = participants(options.only, environment);
  const results: LargeResult[] = [];
  for (const contender of taking) {
    const setup = { target: TARGET, options, environment };
    results.push(await withServer(contender, setup, (server) => measureUpload(contender, server, options)));
    results.push(await withServer(contender, setup, (server) => measureDownload(contender, server, options)));
  }
  printReport({
    environment,
    command: options.commandLine,
    workers: options.workers,
    taking,
    absent,
    sections: [section(options, results)],
    raw: results,
    jsonFile: options.jsonFile,
  });
  return results.every((result) => result.failure === undefined);
}

async function measureUpload(
  contender: Contender,
  server: RunningServer,
  { mebibytes }: Options,
): Promise<LargeResult> {
  await upload(server.port, WARM_UP_MEBIBYTES);
  const observed = await observe(server, () => upload(server.port, mebibytes));
  say(`${contender.name}: upload ${observed.failure ?? 'is right'}`);
  return { contender: contender.name, what: 'upload', ...observed };
}

async function measureDownload(
  contender: Contender,
  server: RunningServer,
  { mebibytes, seconds }: Options,
): Promise<LargeResult> {
  await download(server.port, WARM_UP_MEBIBYTES, { slowSeconds: 0 });
  const observed = await observe(server, () => download(server.port, mebibytes, { slowSeconds: seconds }));
  say(`${contender.name}: download ${observed.failure ?? 'is right'}`);
  return { contender: contender.name, what: 'download to a slow client', ...observed };
}

async function observe(
  server: RunningServer,
  move: () => Promise<Transfer>,
): Promise<Pick<LargeResult, 'transfer' | 'failure' | 'memory'>> {
  const sampler = new MemorySampler(server);
  try {
    const transfer = await move();
    return { transfer, memory: sampler.stop() };
  } catch (error) {
    return { failure: (error as Error).message, memory: sampler.stop() };
  }
}

function section(options: Options, results: readonly LargeResult[]): string {
  const heading = [
    'contender',
    'what',
    'gateway MiB before (RSS)',
    'peak',
    'growth',
    'workers MiB before',
    'peak',
    'growth',
    'seconds',
  ];
  const rows = results.map(({ contender, what, memory, transfer }) => [
    contender,
    what,
    ...growthCells(memory.gateway),
    ...growthCells(memory.workers),
    transfer ? formatNumber(transfer.seconds, 1) : 'failed',
  ]);
  const failures = results
    .filter(({ failure }) => failure !== undefined)
    .map(({ contender, what, failure }) => `\n\n${contender}, ${what}: ${failure}`);
  const title = `### Bodies of ${options.mebibytes} MiB; the download is read slowly for ${options.seconds} s`;
  return `${title}\n\n${markdownTable(heading, rows, 2)}${failures.join('')}`;
}

function growthCells({ beforeBytes, peakBytes }: MemoryGrowth): string[] {
  return [formatMebibytes(beforeBytes), formatMebibytes(peakBytes), formatMebibytes(peakBytes - beforeBytes)];
}
