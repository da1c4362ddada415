/** The slow clients, in a process of their own so that their work does not delay the client that is measured. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { SlowHeadTally } from '../clients/slow-head-clients.js';

const program = fileURLToPath(new URL('../clients/slow-head-clients.js', import.meta.url));
const READY_LIMIT_MS = 30_000;

export class SlowHeads {
  readonly #child: ChildProcess;
  readonly #lines: Interface;

  /** Resolves when all are connected. @throws when they are not within 30 s. */
  static async start(port: number, clients: number): Promise<SlowHeads> {
    const child = spawn(process.execPath, [program, String(port), String(clients)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const slowHeads = new SlowHeads(child, createInterface(child.stdout));
    try {
      await slowHeads.#line();
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
    return slowHeads;
  }

  private constructor(child: ChildProcess, lines: Interface) {
    this.#child = child;
    this.#lines = lines;
  }

  async stop(): Promise<SlowHeadTally> {
    const tally = this.#line();
    this.#child.stdin?.end();
    return JSON.parse(await tally) as SlowHeadTally;
  }

  #line(): Promise<string> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('the slow clients did not connect')), READY_LIMIT_MS);
      this.#lines.once('line', (line) => {
        clearTimeout(timer);
        resolve(line);
      });
      this.#lines.once('close', () => reject(new Error('the slow clients ended')));
    });
  }
}
