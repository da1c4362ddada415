/** What the value of a variable may be: byte text without NUL, for NUL separates variables and ends strings in an environment. */
import { LocalProtocolError } from '../errors.js';
import { formatReceived } from '../errors/received.js';

// A character beyond latin-1 is as bad as NUL: only its low byte is sent, and that of U+0100 is NUL.
const NOT_A_VALUE = /[^\u0001-\u00ff]/;

/** @throws LocalProtocolError `XGI_GATEWAY_BAD_VARIABLE`: a value that could set another variable */
export function checkValue(name: string, value: string): void {
  if (!NOT_A_VALUE.test(value)) return;
  throw new LocalProtocolError(
    'XGI_GATEWAY_BAD_VARIABLE',
    `the variable ${name} cannot be given to a program: expected bytes other than NUL, one per character; received ${formatReceived(value)}`,
  );
}
