/** A folder of files of a test's own, and a server of them in this process. */
import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { toByteText } from '../../src/gateway/byte-text.js';
import { createStaticHandler, type StaticHandlerOptions } from '../../src/handlers/static/static.js';
import { startServer, type LogRecord } from './http-server.js';
import { pollUntil } from './poll.js';
import { makeTempDir, removeTempDir } from './temp-dir.js';
import { request, type RawAnswer } from './wsgi-client.js';

export interface ServedFolder {
  readonly port: number;
  readonly log: readonly LogRecord[];
  /** On a connection of its own. */
  get(target: string, headers?: readonly string[], method?: string): Promise<RawAnswer>;
}

export class StaticFolder {
  readonly directory = makeTempDir();
  /** What is served. */
  readonly root = path.join(this.directory, 'root');

  constructor(files: Readonly<Record<string, string | Buffer>> = {}) {
    mkdirSync(this.root);
    for (const [name, content] of Object.entries(files)) this.write(name, content);
  }

  /** @param name below the root; `../x` is beside it */
  write(name: string, content: string | Buffer): string {
    const file = path.join(this.root, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
    return file;
  }

  link(name: string, to: string): void {
    symlinkSync(to, path.join(this.root, name));
  }

  /** Resolves when the file has an entity tag that counts. */
  async settled(name: string): Promise<void> {
    const { ctimeMs } = statSync(path.join(this.root, name));
    await pollUntil(() => Date.now() - ctimeMs > 1000, { what: `${name} to be older than a second` });
  }

  /** Until the end of the test. */
  async serve(options: Partial<StaticHandlerOptions> = {}): Promise<ServedFolder> {
    const handler = createStaticHandler({ root: toByteText(this.root), ...options });
    const { port, log } = await startServer(handler);
    return {
      port,
      log,
      get: (target, headers = [], method = 'GET') => request(port, target, { headers, method }),
    };
  }

  remove(): void {
    removeTempDir(this.directory);
  }
}
