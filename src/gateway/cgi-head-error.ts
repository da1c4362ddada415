/** What is wrong with the head of a CGI program's output, told so that the program's author finds the line and the cause. */
import { GatewayError } from '../errors.js';
import { formatReceived } from '../errors/received.js';
import { toText } from './byte-text.js';

/** A line that must not be in a head. 502: the program is at fault, and it is behind us. */
export function badHead(line: string, problem: string): GatewayError {
  return new GatewayError(
    502,
    'XGI_CGI_BAD_HEAD',
    `the head of the CGI program's output has the line ${quote(line)}: ${problem}`,
  );
}

/** A line that is no field at all; `number` counts from 1. */
export function noField(line: string, number: number): GatewayError {
  if (number > 1) {
    return badHead(
      line,
      `it is not a field, and the empty line that ends a head has not been printed before it (line ${number})`,
    );
  }
  if (/^HTTP\/[0-9]/.test(line)) {
    return badHead(
      line,
      'only a program whose name begins with nph- prints a status line; others print Status: 404 Not Found, or nothing for 200',
    );
  }
  return badHead(
    line,
    'the program printed this before its head: a head begins with Content-Type: text/html and ends with an empty line',
  );
}

export function headTooLarge(maxBytes: number, firstLine: string): GatewayError {
  return new GatewayError(
    502,
    'XGI_CGI_HEAD_TOO_LARGE',
    `the head of the CGI program's output is longer than ${maxBytes} bytes: an empty line has to end it; it begins with ${quote(firstLine)}`,
  );
}

/** @param line byte text; shown as UTF-8 if it is that */
export function quote(line: string): string {
  return formatReceived(toText(line));
}
