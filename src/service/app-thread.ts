/** What a thread of a TypeScript application runs: loads the module, and serves what the gateway hands it. */
import { parentPort, workerData } from 'node:worker_threads';
import { packError } from '../handlers/app/threads/messages.js';
import { createOutbox, serveThread } from '../handlers/app/threads/thread-side.js';
import { loadApp } from './app-module.js';

/** What it is told at its start. */
export interface ThreadData {
  /** The module; absolute. */
  readonly file: string;
  /** The files that were loaded are to be told. */
  readonly tellsFiles: boolean;
}

if (parentPort !== null) await main(parentPort, workerData as ThreadData);

async function main(port: NonNullable<typeof parentPort>, { file, tellsFiles }: ThreadData): Promise<void> {
  const out = createOutbox(port);
  try {
    const { handler, close } = await loadApp(file, {
      multiprocess: true,
      print: (line) => out.send({ type: 'print', line }),
      onFiles: tellsFiles ? (paths) => out.send({ type: 'files', paths }) : undefined,
    });
    serveThread(port, handler, out, async () => {
      await close();
      out.flush();
      // Timers and sockets of the application would keep it.
      setImmediate(() => process.exit(0));
    });
    out.send({ type: 'ready' });
  } catch (error) {
    out.send({ type: 'failed', error: packError(error) });
  }
}
