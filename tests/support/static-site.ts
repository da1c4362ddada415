/** xgi that serves a folder, as a user starts it. */
import { onTestFinished } from 'vitest';
import type { StaticFolder } from './static-folder.js';
import { request } from './wsgi-client.js';
import { startXgi, type XgiServer } from './xgi.js';

export interface StaticSite {
  readonly server: XgiServer;
  readonly get: (target: string, headers?: readonly string[], method?: string) => ReturnType<typeof request>;
}

/** Ends with the test. */
export async function startStatic(
  folder: StaticFolder,
  flags: readonly string[] = [],
  words: readonly string[] = ['static', 'root'],
): Promise<StaticSite> {
  const env = { XDG_RUNTIME_DIR: undefined };
  const server = await startXgi([...words, ...flags], { cwd: folder.directory, env });
  onTestFinished(async () => {
    server.child.kill('SIGKILL');
    await server.exited;
  });
  return {
    server,
    get: (target, headers = [], method = 'GET') => request(server.port, target, { headers, method }),
  };
}
