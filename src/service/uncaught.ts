/**
 * What ends a gateway, an exception that nothing caught or a call of process.exit: whose it is, and what to do. Applications without threads and middleware run in the same
 * process as xgi, and a timer or a socket of theirs may throw when nobody is there to catch it.
 */
import { fileURLToPath } from 'node:url';
import { hasLoadedModules } from './fresh-modules.js';

/** What is ours: where this file lies, and all beside it. */
const OURS = fileURLToPath(new URL('..', import.meta.url));
const LIBRARY = /[\\/]node_modules[\\/]/;
/** `    at name (/srv/app.ts:3:9)`, `    at async file:///srv/app.js:3:9`; of Node's own nothing. */
const FRAME = /^ +at (?:.*\()?(?:async )?(?<file>(?:file:\/\/)?\/.*):(?<line>\d+):(?<column>\d+)\)?$/;

interface Frame {
  readonly file: string;
  /** file:line:column */
  readonly place: string;
}

/** @param stops what its end is the end of: `the gateway stops` */
export function describeUncaught(thrown: unknown, stops: string): string {
  const frames = framesOf(thrown);
  const own = frames.find(({ file }) => !file.startsWith(OURS) && !LIBRARY.test(file));
  // A library of theirs, or of ours; or a socket, which has no frame but Node's.
  const isTheirs =
    own !== undefined || (hasLoadedModules() && !frames.some(({ file }) => file.startsWith(OURS)));
  if (!isTheirs) return `nothing caught an exception: this is a bug in xgi, and ${stops}`;
  const { place } = own ?? frames[0] ?? { place: undefined };
  return (
    `XGI_APP_UNCAUGHT: nothing caught an exception of the application, or of middleware of your own${place === undefined ? '' : ` (${place})`}, and ${stops}; ` +
    'catch it where it is thrown (in timers, in listeners, of promises that nobody waits for), or run the application with workers: N, in threads, of which it ends one'
  );
}

/** @param thrown an Error, made while it ends @param stops as above */
export function describeExit(status: number, thrown: Error, stops: string): string {
  const caller = framesOf(thrown).find(({ file }) => !file.startsWith(OURS));
  return (
    `XGI_APP_EXIT: the application, or middleware of your own, called process.exit(${status})${caller === undefined ? '' : ` (${caller.place})`}, and ${stops} at once; ` +
    'throw an error instead, or run the application with workers: N, in threads, of which it ends one'
  );
}

function framesOf(thrown: unknown): readonly Frame[] {
  if (!(thrown instanceof Error) || typeof thrown.stack !== 'string') return [];
  const { message, stack } = thrown;
  // What looks like a frame in the message is none.
  const begin = stack.indexOf(message) + message.length;
  return stack
    .slice(begin)
    .split('\n')
    .flatMap((line) => {
      const { file, line: at, column } = FRAME.exec(line)?.groups ?? {};
      if (file === undefined) return [];
      const path = file.startsWith('file:') ? fileURLToPath(file) : file;
      return [{ file: path, place: `${path}:${at}:${column}` }];
    });
}
