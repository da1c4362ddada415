/** The access log of a configuration. */
import type { ResolvedConfig } from '../config/resolve.js';
import { ConfigError } from '../errors.js';
import { formatReceived } from '../errors/received.js';
import { AccessLog } from '../observe/access-log.js';
import type { FormatLine } from '../observe/access-log-format.js';
import type { Log } from '../types.js';

/** @returns undefined if there is to be none. @throws ConfigError if the file cannot be opened */
export function openAccessLog(
  { accessLog }: ResolvedConfig,
  format: FormatLine,
  log: Log,
): AccessLog | undefined {
  const { file } = accessLog;
  if (file === null) return undefined;
  try {
    return new AccessLog({
      file,
      format,
      onProblem: (message) => log.error(`access log: ${message}`),
    });
  } catch (error) {
    throw new ConfigError(
      'XGI_CONFIG_VALUE',
      `--access-logfile: expected a file that can be written, received ${formatReceived(file)}: ${(error as Error).message}`,
    );
  }
}
