/**
 * A program: PORT RATE SECONDS PROGRAM... So many requests per second, to the CGI programs in turn, each sent when it is
 * due whether the ones before it have been answered or not (an open loop). Says how they fared as JSON.
 */
import { cgiPrograms } from '../cgi-programs.js';
import { ClientConnection } from '../http/client-connection.js';
import { percentile } from '../measures/statistics.js';
import { checkAnswer } from '../measures/validation.js';
import type { Exchange } from '../workload.js';

export interface PacedTally {
  readonly sent: number;
  /** With the right answer. */
  readonly answered: number;
  readonly firstFailure: string | undefined;
  /** From the moment at which a request was due. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** The most that were on their way at the same time. */
  readonly maxInFlight: number;
}

const TICK_MS = 1;

const [port = 0, rate = 0, seconds = 0] = process.argv.slice(2, 5).map(Number);
const exchanges = process.argv.slice(5).map(exchangeOf);
const idle: ClientConnection[] = [];
const latencies: number[] = [];
const pending = new Set<Promise<void>>();
let sent = 0;
let maxInFlight = 0;
let firstFailure: string | undefined;

await sendAll();
await Promise.all(pending);
for (const connection of idle) connection.destroy();
process.stdout.write(`${JSON.stringify(tally())}\n`);

function exchangeOf(name: string): Exchange {
  const program = cgiPrograms.find((candidate) => candidate.name === name);
  if (!program) throw new Error(`no program is called ${name}`);
  return program.exchanges[0];
}

function sendAll(): Promise<void> {
  const start = performance.now();
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const due = Math.min(rate * seconds, Math.floor(((performance.now() - start) / 1000) * rate));
      for (; sent < due; sent += 1) send(start + (sent / rate) * 1000);
      if (sent < rate * seconds) return;
      clearInterval(timer);
      resolve();
    }, TICK_MS);
  });
}

function send(dueMs: number): void {
  const exchange = exchanges[sent % exchanges.length];
  if (!exchange) throw new Error('no programs are given');
  const exchanged = ask(exchange)
    .then(() => {
      latencies.push(performance.now() - dueMs);
    })
    .catch((error: Error) => {
      firstFailure ??= error.message;
    })
    .finally(() => pending.delete(exchanged));
  pending.add(exchanged);
  maxInFlight = Math.max(maxInFlight, pending.size);
}

async function ask(exchange: Exchange): Promise<void> {
  const connection = idle.pop() ?? (await ClientConnection.open(port));
  const response = await connection.request(exchange.request);
  if (connection.isOpen) idle.push(connection);
  checkAnswer(response, exchange);
}

function tally(): PacedTally {
  return {
    sent,
    answered: latencies.length,
    firstFailure,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    maxMs: percentile(latencies, 1),
    maxInFlight,
  };
}
