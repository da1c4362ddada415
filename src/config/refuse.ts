/** Values that cannot be used. */
import { ConfigError } from '../errors.js';
import { formatReceived } from '../errors/received.js';

/** `XGI_CONFIG_VALUE`. @param name as a message names the option */
export function refuse(name: string, expected: string, received: unknown, hint = ''): ConfigError {
  return new ConfigError(
    'XGI_CONFIG_VALUE',
    `${name}: expected ${expected}, received ${formatReceived(received)}${hint}`,
  );
}
