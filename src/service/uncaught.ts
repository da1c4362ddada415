/**
 * What ends a gateway, an exception that nothing caught or a call of process.exit: whose it is, and what to do. Applications without threads and middleware run in the same
 * process as xgi, and a timer or a socket of theirs may throw when nobody is there to catch it.
 */
import { isOwnFile, readFrame, type StackFrame } from '../errors.js';
import { hasLoadedModules } from './fresh-modules.js';

const LIBRARY = /[\\/]node_modules[\\/]/;

/** @param stops what its end is the end of: `the gateway stops` */
export function describeUncaught(thrown: unknown, stops: string): string {
  const frames = framesOf(thrown);
  const own = frames.find(({ file }) => !isOwnFile(file) && !LIBRARY.test(file));
  // A library of theirs, or of ours; or a socket, which has no frame but Node's.
  const isTheirs = own !== undefined || (hasLoadedModules() && !frames.some(({ file }) => isOwnFile(file)));
  if (!isTheirs) return `nothing caught an exception: this is a bug in xgi, and ${stops}`;
  const frame = own ?? frames[0];
  return (
    `XGI_APP_UNCAUGHT: nothing caught an exception of the application, or of middleware of your own${placeOf(frame)}, and ${stops}; ` +
    'catch it where it is thrown (in timers, in listeners, of promises that nobody waits for), or run the application with workers: N, in threads, of which it ends one'
  );
}

/** @param thrown an Error, made while it ends @param stops as above */
export function describeExit(status: number, thrown: Error, stops: string): string {
  const caller = framesOf(thrown).find(({ file }) => !isOwnFile(file));
  return (
    `XGI_APP_EXIT: the application, or middleware of your own, called process.exit(${status})${placeOf(caller)}, and ${stops} at once; ` +
    'throw an error instead, or run the application with workers: N, in threads, of which it ends one'
  );
}

function placeOf(frame: StackFrame | undefined): string {
  return frame === undefined ? '' : ` (${frame.file}:${frame.line}:${frame.column})`;
}

function framesOf(thrown: unknown): readonly StackFrame[] {
  if (!(thrown instanceof Error) || typeof thrown.stack !== 'string') return [];
  const { message, stack } = thrown;
  // What looks like a frame in the message is none.
  const begin = stack.indexOf(message) + message.length;
  return stack
    .slice(begin)
    .split('\n')
    .flatMap((line) => readFrame(line) ?? []);
}
