/** Values that cannot be used. */
import { ConfigError } from '../errors.js';

/** `XGI_CONFIG_VALUE`. @param name as a message names the option */
export function refuse(name: string, expected: string, received: unknown, hint = ''): ConfigError {
  return new ConfigError(
    'XGI_CONFIG_VALUE',
    `${name}: expected ${expected}, received ${JSON.stringify(received)}${hint}`,
  );
}
