/**
 * Where the code of modules in TypeScript stands in their source. What runs is what jiti has made of it; the stacks of errors tell the positions that
 * a person finds in the file.
 *
 * By `Error.prepareStackTrace` (V8's stack trace API), which is asked when somebody reads a stack, and for frames in these files only. Node's
 * own source maps (`process.setSourceMapsEnabled`) would be those of all dependencies too, read when they are loaded, and have no names of functions.
 */
import { SourceMap } from 'node:module';

interface Transpiled {
  /** The map in base64, until somebody needs it. */
  map: string | SourceMap;
}

/** By absolute path, each as it was loaded last. */
const transpiled = new Map<string, Transpiled>();

const COMMENT = /\n\/\/# sourceMappingURL=data:application\/json;charset=utf-8;base64,([\w+/=]+)\s*$/;

/**
 * Keeps the map of a module.
 *
 * @param code with its map in a comment at the end
 * @returns the code to run; it begins with an empty line, so that what a loader puts in front of it moves no column
 */
export function keepPositions(file: string, code: string): string {
  const match = COMMENT.exec(code);
  if (match === null) return code;
  if (transpiled.size === 0) install();
  transpiled.set(file, { map: match[1]! });
  return `\n${code.slice(0, match.index)}`;
}

function install(): void {
  const { prepareStackTrace } = Error;
  Error.prepareStackTrace = (error, frames) => {
    const isOurs = frames.some((frame) => transpiled.has(frame.getFileName() ?? ''));
    if (!isOurs && prepareStackTrace !== undefined) return prepareStackTrace(error, frames) as unknown;
    return [headerOf(error), ...frames.map((frame) => `    at ${formatFrame(frame)}`)].join('\n');
  };
}

/** As V8 has it; and as Node has it for its own errors, with their code. */
function headerOf(error: Error & { readonly code?: unknown }): string {
  try {
    const { name, message, code } = error;
    const isNodes = typeof code === 'string' && code.startsWith('ERR_');
    return isNodes ? `${name} [${code}]: ${message}` : Error.prototype.toString.call(error);
  } catch {
    // A getter that throws.
    return '<error>';
  }
}

function formatFrame(frame: NodeJS.CallSite): string {
  const text = String(frame);
  const file = frame.getFileName() ?? '';
  const [line, column] = [frame.getLineNumber(), frame.getColumnNumber()];
  const module = transpiled.get(file);
  if (module === undefined || line === null || column === null) return text;
  if (typeof module.map === 'string') module.map = readMap(module.map);
  // From 0 on, both; and the empty line.
  const entry = module.map.findEntry(line - 2, column - 1);
  if (!('originalLine' in entry)) return text;
  return text.replace(
    `${file}:${line}:${column}`,
    () => `${file}:${entry.originalLine + 1}:${entry.originalColumn + 1}`,
  );
}

function readMap(base64: string): SourceMap {
  return new SourceMap(JSON.parse(Buffer.from(base64, 'base64').toString()));
}
