/** Where the messages of xgi go when a program uses it: to a log of the program's, or to standard error. */
import { ProgramLog } from '../observe/program-log.js';
import type { ServiceLog } from '../service/application.js';
import type { Log } from '../types.js';
import type { LibraryOptions } from './options.js';

export function openLog({ log, logLevel = 'warning' }: LibraryOptions): ServiceLog {
  return log === undefined ? new ProgramLog({ level: logLevel }) : new GivenLog(log);
}

/** What programs write is information of theirs. */
class GivenLog implements ServiceLog {
  readonly debug: Log['debug'];
  readonly info: Log['info'];
  readonly warn: Log['warn'];
  readonly error: Log['error'];

  constructor(log: Log) {
    this.debug = log.debug.bind(log);
    this.info = log.info.bind(log);
    this.warn = log.warn.bind(log);
    this.error = log.error.bind(log);
  }

  passOn(lines: string): void {
    for (const line of lines.trimEnd().split('\n')) this.info(line);
  }
}
