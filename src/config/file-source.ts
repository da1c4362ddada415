/** The bytes of a configuration file, as text. */
import { isUtf8 } from 'node:buffer';
import { readRegularFile } from '../io/read-regular-file.js';
import { whyUnreadable } from './unreadable.js';

/** Of 10,000 routes it is the double. */
const MAX_BYTES = 8 * 2 ** 20;

const LINE_FEED = 0x0a;

/** @throws Error that says in words what is wrong with the file, for the end of a message */
export function readSource(file: string): string {
  const bytes = read(file);
  // Without a byte order mark, which would be a column.
  if (isUtf8(bytes)) return bytes.toString('utf8').replace(/^\ufeff/, '');
  if (bytes.subarray(0, 2).equals(UTF16_LE) || bytes.subarray(0, 2).equals(UTF16_BE))
    throw new Error('it is UTF-16: save it as UTF-8');
  throw new Error(`line ${firstBrokenLine(bytes)} is not UTF-8: save it as UTF-8`);
}

const UTF16_LE = Buffer.from([0xff, 0xfe]);
const UTF16_BE = Buffer.from([0xfe, 0xff]);

function read(file: string): Buffer {
  try {
    return readRegularFile(file, MAX_BYTES);
  } catch (error) {
    throw new Error(whyUnreadable(error), { cause: error });
  }
}

function firstBrokenLine(bytes: Buffer): number {
  let line = 1;
  for (let from = 0; from < bytes.length; line++) {
    const end = bytes.indexOf(LINE_FEED, from);
    const to = end === -1 ? bytes.length : end;
    if (!isUtf8(bytes.subarray(from, to))) break;
    from = to + 1;
  }
  return line;
}
