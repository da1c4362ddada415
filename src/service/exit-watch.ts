/** Applications and middleware that run in a gateway may call process.exit, which nothing can hold up: the log says who did. */
import type { ProgramLog } from '../observe/program-log.js';
import { describeExit } from './uncaught.js';

export interface ExitWatchOptions {
  readonly log: ProgramLog;
  /** What its end is the end of: `the gateway stops`. */
  readonly stops: string;
  /** Called then: removes files, and waits for nothing. */
  readonly release?: () => void;
}

/** @returns ends the watch: the process is to end */
export function watchExit({ log, stops, release }: ExitWatchOptions): () => void {
  const tell = (status: number): void => {
    log.writeAtOnce();
    log.critical(describeExit(status, new Error('exit'), stops));
    release?.();
  };
  process.once('exit', tell);
  return () => process.off('exit', tell);
}
