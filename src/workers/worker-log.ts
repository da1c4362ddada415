/** LOG frames → the program log. */
import type { Log } from '../types.js';
import { LogLevel } from '../wire/frames.js';

export function logWorkerLine(
  log: Log,
  level: number,
  text: string,
  fields: Readonly<Record<string, unknown>>,
): void {
  const line = text.endsWith('\n') ? text.slice(0, -1) : text;
  if (level === LogLevel.ERROR) log.error(line, fields);
  else if (level === LogLevel.WARNING) log.warn(line, fields);
  else log.info(line, fields);
}
