/** Resident memory of a site over time, gateways and workers apart. */
import { residentBytes } from '../../bench/processes/process-table.js';
import { median } from '../../bench/measures/statistics.js';
import type { Site } from '../server/site.js';

interface Sample {
  readonly gatewayBytes: number;
  /** All of them together. */
  readonly workersBytes: number;
  /** The largest of them. */
  readonly workerBytes: number;
}

export interface Growth {
  /** Medians: a full garbage collection just before, or not yet, is not what is asked for. */
  readonly secondQuarterBytes: number;
  readonly lastQuarterBytes: number;
  readonly peakBytes: number;
}

export class MemoryRecord {
  readonly #samples: Sample[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(site: Site, everyMs: number) {
    this.#timer = setInterval(() => {
      const workers = site.pythonPids().map((pid) => residentBytes([pid]));
      this.#samples.push({
        gatewayBytes: residentBytes(site.nodePids()),
        workersBytes: workers.reduce((sum, bytes) => sum + bytes, 0),
        workerBytes: Math.max(0, ...workers),
      });
    }, everyMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  growth(figure: keyof Sample): Growth {
    const values = this.#samples.map((sample) => sample[figure]);
    const quarter = Math.floor(values.length / 4);
    return {
      secondQuarterBytes: median(values.slice(quarter, 2 * quarter)),
      lastQuarterBytes: median(values.slice(values.length - quarter)),
      peakBytes: Math.max(0, ...values),
    };
  }
}
