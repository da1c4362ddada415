/** The peak of resident memory while something happens, gateway and workers apart. */
import { residentBytes } from './process-table.js';
import type { RunningServer } from '../contenders/contender.js';

const SAMPLE_INTERVAL_MS = 50;

export interface MemoryGrowth {
  readonly beforeBytes: number;
  readonly peakBytes: number;
}

export interface MemoryRecord {
  readonly gateway: MemoryGrowth;
  readonly workers: MemoryGrowth;
}

export class MemorySampler {
  readonly #server: RunningServer;
  readonly #before: { gateway: number; workers: number };
  readonly #peak: { gateway: number; workers: number };
  readonly #timer: NodeJS.Timeout;

  constructor(server: RunningServer) {
    this.#server = server;
    this.#before = this.#read();
    this.#peak = { ...this.#before };
    this.#timer = setInterval(() => this.#sample(), SAMPLE_INTERVAL_MS);
  }

  stop(): MemoryRecord {
    clearInterval(this.#timer);
    this.#sample();
    return {
      gateway: { beforeBytes: this.#before.gateway, peakBytes: this.#peak.gateway },
      workers: { beforeBytes: this.#before.workers, peakBytes: this.#peak.workers },
    };
  }

  #sample(): void {
    const now = this.#read();
    this.#peak.gateway = Math.max(this.#peak.gateway, now.gateway);
    this.#peak.workers = Math.max(this.#peak.workers, now.workers);
  }

  #read(): { gateway: number; workers: number } {
    const { gateway, workers } = this.#server.roles();
    return { gateway: residentBytes(gateway), workers: residentBytes(workers) };
  }
}
