/** The resident memory of processes, as the kernel counts it. */
import { readFileSync } from 'node:fs';

/** In bytes; null where the system does not tell (no /proc, no such process). */
export function readRss(pid: number): number | null {
  try {
    // Not statm, which is shorter: it counts pages, and their size is not known here.
    const kibibytes = /^VmRSS:\s*([0-9]+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
    return kibibytes === undefined ? null : Number(kibibytes) * 1024;
  } catch {
    return null;
  }
}
