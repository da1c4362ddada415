/**
 * The processes of one server, found by a variable that all of them have in their environment: whoever their parent is, whatever
 * group they are in, and also when the process that started them is gone. Linux only.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { programName } from '../../bench/processes/process-table.js';

export const MARK_VARIABLE = 'CHAOS_MARK';

export interface MarkedProcess {
  readonly pid: number;
  /** `node`, `python3.11` */
  readonly program: string;
}

/** Those that live now; one that has ended and was not waited for has no environment any more. */
export function markedProcesses(mark: string): MarkedProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && isMarked(name, mark))
    .map((name) => ({ pid: Number(name), program: programName(Number(name)) }));
}

export function killMarked(mark: string): void {
  for (const { pid } of markedProcesses(mark)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Gone in between.
    }
  }
}

function isMarked(pid: string, mark: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`${MARK_VARIABLE}=${mark}\0`);
  } catch {
    return false;
  }
}
