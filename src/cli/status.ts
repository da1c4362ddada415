/** `xgi status`: what the running xgi does. */
import { styleText } from 'node:util';
import { SteerError } from './steer-error.js';
import { findXgi } from './steer-find.js';
import type { SteerLine } from './steer-line.js';
import { formatStatus, type Paint } from './steer-table.js';

/**
 * @returns 0 if it is ready to take requests, 1 if it starts, stops or has an application without a worker that has loaded it
 * @throws SteerError if there is no answer
 */
export async function runStatus(line: SteerLine): Promise<number> {
  const { told } = await findXgi(line);
  if (told instanceof SteerError) throw told;
  const { status, text } = told;
  process.stdout.write(line.json ? text : formatStatus(status, choosePaint()));
  return status.state === 'ready' || status.state === 'reloading' ? 0 : 1;
}

function choosePaint(): Paint {
  const { NO_COLOR, TERM } = process.env;
  if (!process.stdout.isTTY || NO_COLOR || TERM === 'dumb') return (_, text) => text;
  return (format, text) => styleText(format, text, { validateStream: false });
}
