/** A steady rate of requests, from a process of its own so that nothing here delays it. */
import { fileURLToPath } from 'node:url';
import type { CgiProgram } from '../cgi-programs.js';
import type { PacedTally } from '../clients/paced-requests.js';
import { runProgram } from '../processes/program-run.js';

export interface PacedLoad {
  readonly port: number;
  readonly requestsPerSecond: number;
  readonly seconds: number;
  /** Asked in turn. */
  readonly programs: readonly CgiProgram[];
}

const client = fileURLToPath(new URL('../clients/paced-requests.js', import.meta.url));
/** For the last answers. */
const LIMIT_BEYOND_MS = 20_000;

export async function runPacedLoad(load: PacedLoad): Promise<PacedTally> {
  const { port, requestsPerSecond, seconds, programs } = load;
  const numbers = [port, requestsPerSecond, seconds].map(String);
  const output = await runProgram({
    program: process.execPath,
    args: [client, ...numbers, ...programs.map(({ name }) => name)],
    limitMs: seconds * 1000 + LIMIT_BEYOND_MS,
  });
  return JSON.parse(output) as PacedTally;
}
