/** Counts what becomes of the requests of a load. Memory is bounded however long it lasts. */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import type { Origin, SentRequest } from './request.js';

/** A request whose answer was not 200. */
export interface Failure {
  readonly id: string;
  readonly kind: string;
  readonly status: number;
  /** `XGI_WORKER_DIED`, or '' if the answer does not say. */
  readonly code: string;
}

export interface LatencyFigures {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** How a load fared. */
export interface LoadReport {
  /** Requests of which at least a byte was sent and that were not left on purpose. */
  readonly sent: number;
  /** Complete answers that belong to their request, by status. */
  readonly answers: Readonly<Record<string, number>>;
  /** Requests by kind and status: `quick 200`. */
  readonly kinds: Readonly<Record<string, number>>;
  /** Requests that were sent, and the connection ended before their whole answer; or no answer came in time. */
  readonly lost: number;
  /** Answers that are broken, cut short, another request's, or that nobody asked for. */
  readonly wrong: number;
  /** Connections that were refused, or broken while they were made. */
  readonly refused: number;
  /** Connections that the server ended between two requests. */
  readonly closedIdle: number;
  /** Connections that the server said it would close, by `Connection: close`. */
  readonly closedByAnswer: number;
  /** Pipelined requests behind an answer with `Connection: close`: not processed, as that says; they are sent again. */
  readonly returned: number;
  /** Requests that rude clients left. */
  readonly abandoned: number;
  /** Answers by version of the code. */
  readonly versions: Readonly<Record<string, number>>;
  /** Processes that answered. */
  readonly pids: readonly number[];
  readonly failures: readonly Failure[];
  /** The first of what was lost or wrong, in words. */
  readonly complaints: readonly string[];
  /** Of complete answers with status 200, by kind; `all` for all of them. Slow clients are not in it. */
  readonly latency: Readonly<Record<string, LatencyFigures>>;
}

const MAX_FAILURES = 50_000;
const MAX_COMPLAINTS = 20;
const MAX_LATENCY_US = 600_000_000;

export class Tally {
  readonly #answers = new Map<string, number>();
  readonly #kinds = new Map<string, number>();
  readonly #versions = new Map<string, number>();
  readonly #pids = new Set<number>();
  readonly #failures: Failure[] = [];
  readonly #complaints: string[] = [];
  readonly #latency = new Map<string, RecordableHistogram>();
  sent = 0;
  lost = 0;
  wrong = 0;
  refused = 0;
  closedIdle = 0;
  closedByAnswer = 0;
  returned = 0;
  abandoned = 0;

  answered({ kind }: SentRequest, { pid, version }: Origin, latencyMs: number): void {
    add(this.#answers, '200');
    add(this.#kinds, `${kind.name} 200`);
    add(this.#versions, version);
    this.#pids.add(pid);
    this.#record('all', latencyMs);
    this.#record(kind.name, latencyMs);
  }

  /** The same for a client that took its time. */
  answeredSlowly({ kind }: SentRequest, { pid, version }: Origin): void {
    add(this.#answers, '200');
    add(this.#kinds, `${kind.name} 200`);
    add(this.#versions, version);
    this.#pids.add(pid);
  }

  failed({ id, kind }: SentRequest, status: number, body: Buffer): void {
    add(this.#answers, String(status));
    add(this.#kinds, `${kind.name} ${status}`);
    const code = /\bXGI_[A-Z_]+/.exec(body.toString('latin1', 0, 1000))?.[0] ?? '';
    if (this.#failures.length < MAX_FAILURES) this.#failures.push({ id, kind: kind.name, status, code });
  }

  lose(request: SentRequest, why: string): void {
    this.lost++;
    this.#complain(`lost: ${request.kind.name} ${request.id}: ${why}`);
  }

  /** @param id of the request that should have been answered, if there is one */
  refuse(id: string | undefined, why: string): void {
    this.wrong++;
    this.#complain(`wrong: ${id ?? 'nobody asked'}: ${why}`);
  }

  report(): LoadReport {
    const { sent, lost, wrong, refused, closedIdle, closedByAnswer, returned, abandoned } = this;
    return {
      ...{ sent, lost, wrong, refused, closedIdle, closedByAnswer, returned, abandoned },
      answers: Object.fromEntries(this.#answers),
      kinds: Object.fromEntries(this.#kinds),
      versions: Object.fromEntries(this.#versions),
      pids: [...this.#pids],
      failures: this.#failures,
      complaints: this.#complaints,
      latency: Object.fromEntries(
        [...this.#latency].map(([name, histogram]) => [name, figuresOf(histogram)]),
      ),
    };
  }

  #record(name: string, latencyMs: number): void {
    let histogram = this.#latency.get(name);
    if (histogram === undefined) {
      histogram = createHistogram({ lowest: 1, highest: MAX_LATENCY_US, figures: 3 });
      this.#latency.set(name, histogram);
    }
    histogram.record(Math.min(MAX_LATENCY_US, Math.max(1, Math.round(latencyMs * 1000))));
  }

  #complain(text: string): void {
    if (this.#complaints.length < MAX_COMPLAINTS) this.#complaints.push(text);
  }
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function figuresOf(histogram: RecordableHistogram): LatencyFigures {
  const { count } = histogram;
  return {
    count,
    p50Ms: histogram.percentile(50) / 1000,
    p99Ms: histogram.percentile(99) / 1000,
    maxMs: histogram.max / 1000,
  };
}

/** The figures of several loads as one; of the percentiles the worst. */
export function sumReports(reports: readonly LoadReport[]): LoadReport {
  const total = (figure: (report: LoadReport) => number): number =>
    reports.reduce((sum, one) => sum + figure(one), 0);
  return {
    sent: total((one) => one.sent),
    lost: total((one) => one.lost),
    wrong: total((one) => one.wrong),
    refused: total((one) => one.refused),
    closedIdle: total((one) => one.closedIdle),
    closedByAnswer: total((one) => one.closedByAnswer),
    returned: total((one) => one.returned),
    abandoned: total((one) => one.abandoned),
    answers: sumCounts(reports.map((one) => one.answers)),
    kinds: sumCounts(reports.map((one) => one.kinds)),
    versions: sumCounts(reports.map((one) => one.versions)),
    pids: [...new Set(reports.flatMap((one) => one.pids))],
    failures: reports.flatMap((one) => one.failures),
    complaints: reports.flatMap((one) => one.complaints).slice(0, MAX_COMPLAINTS),
    latency: worstLatency(reports),
  };
}

function sumCounts(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums = new Map<string, number>();
  for (const counts of all)
    for (const [key, count] of Object.entries(counts)) sums.set(key, (sums.get(key) ?? 0) + count);
  return Object.fromEntries(sums);
}

function worstLatency(reports: readonly LoadReport[]): Record<string, LatencyFigures> {
  const worst: Record<string, LatencyFigures> = {};
  for (const { latency } of reports) {
    for (const [name, figures] of Object.entries(latency)) {
      const before = worst[name];
      worst[name] = {
        count: (before?.count ?? 0) + figures.count,
        p50Ms: Math.max(before?.p50Ms ?? 0, figures.p50Ms),
        p99Ms: Math.max(before?.p99Ms ?? 0, figures.p99Ms),
        maxMs: Math.max(before?.maxMs ?? 0, figures.maxMs),
      };
    }
  }
  return worst;
}
