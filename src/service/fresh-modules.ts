/** Has Node load the JavaScript modules of an application anew for each load, and tells which they were (fresh-hooks.ts). */
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { HookData, LoadedFile, LoadMark } from './fresh-hooks.js';

let hooks: MessagePort | undefined;
let count = 0;
let files: string[] = [];

/** What is imported from now on is fresh. One load at a time. */
export async function beginFreshLoad(): Promise<void> {
  hooks ??= install();
  count += 1;
  files = [];
  await mark(hooks);
}

/** Whether code of an application, or middleware of a person's own, is in this process. */
export function hasLoadedModules(): boolean {
  return count > 0;
}

/** @returns the files of the load, as far as Node has loaded them; absolute */
export async function filesOfLoad(): Promise<readonly string[]> {
  if (hooks !== undefined) await mark(hooks);
  return files.map((url) => fileURLToPath(url));
}

function install(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  const data: HookData = { port: port2, loaderUrl: import.meta.resolve('jiti') };
  register(new URL('fresh-hooks.js', import.meta.url), { data, transferList: [port2] });
  port1.on('message', (message: LoadMark | LoadedFile) => {
    if ('file' in message) files.push(message.file);
  });
  port1.unref();
  return port1;
}

/** Messages are answered in order: what was told before has come when this has. */
async function mark(port: MessagePort): Promise<void> {
  port.ref();
  await new Promise<void>((resolve) => {
    const take = (message: LoadMark | LoadedFile): void => {
      if ('file' in message) return;
      port.off('message', take);
      resolve();
    };
    port.on('message', take);
    port.postMessage({ load: count } satisfies LoadMark);
  });
  port.unref();
}
