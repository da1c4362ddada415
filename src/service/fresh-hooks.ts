/**
 * Hooks of Node's loader for ES modules (node:module, "Customization hooks"), which keeps a module for ever under its URL: the files of an
 * application get a number in theirs that changes with each load. Dependencies in `node_modules` stay what they are.
 *
 * They run in a thread of Node's.
 */
import type { ResolveFnOutput, ResolveHookContext } from 'node:module';
import type { MessagePort } from 'node:worker_threads';

/** How a load is begun, and asked for what it has resolved; the answer has the same number. */
export interface LoadMark {
  readonly load: number;
}

/** A file of a load. */
export interface LoadedFile {
  readonly file: string;
}

let current = 0;
let port: MessagePort | undefined;

/** What imports on behalf of applications. */
let loaderUrl = '';

export interface HookData {
  readonly port: MessagePort;
  readonly loaderUrl: string;
}

export function initialize(data: HookData): void {
  loaderUrl = data.loaderUrl;
  port = data.port;
  port.on('message', (mark: LoadMark) => {
    current = mark.load;
    port?.postMessage(mark);
  });
  port.unref();
}

type NextResolve = (specifier: string, context: ResolveHookContext) => Promise<ResolveFnOutput>;

export async function resolve(
  specifier: string,
  context: ResolveHookContext,
  next: NextResolve,
): Promise<ResolveFnOutput> {
  const found = await next(specifier, context);
  const load = loadOf(context.parentURL);
  if (load === undefined || !found.url.startsWith('file:') || found.url.includes('/node_modules/'))
    return found;
  port?.postMessage({ file: found.url } satisfies LoadedFile);
  const url = new URL(found.url);
  url.searchParams.set(NUMBER, load);
  return { ...found, url: url.href };
}

const NUMBER = 'xgi-load';

/** The load of the module that imports, if it is one of an application. */
function loadOf(parent: string | undefined): string | undefined {
  if (parent === undefined) return undefined;
  if (parent === loaderUrl) return String(current);
  const at = parent.indexOf(`${NUMBER}=`);
  return at === -1 ? undefined : parent.slice(at + NUMBER.length + 1);
}
