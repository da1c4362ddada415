/** The machine and the versions that stand above every table of figures. */
import { cpus, release, totalmem, type } from 'node:os';
import type { BaseEnvironment } from './environment.js';

export interface Machine {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGibibytes: number;
  readonly kernel: string;
  /** Of Node, and of the interpreter of all programs, if there are any. */
  readonly runtimes: readonly string[];
}

export function describeMachine({ pythonVersion }: BaseEnvironment): Machine {
  const cores = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cores[0]?.model.trim() ?? 'unknown',
    cores: cores.length,
    memoryGibibytes: Math.round(totalmem() / 2 ** 30),
    kernel: `${type()} ${release()}`,
    runtimes: [`Node ${process.versions.node}`, ...(pythonVersion ? [`${pythonVersion} for all`] : [])],
  };
}
