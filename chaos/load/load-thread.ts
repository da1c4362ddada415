/** The thread that makes a load: an event loop of its own, so that what else the suite does is in no latency. */
import { parentPort, workerData } from 'node:worker_threads';
import type { LoadPlan } from './plan.js';
import { runRudeClient } from './rude-clients.js';
import { runSlowClient } from './slow-clients.js';
import { SteadyConnection, type SharedLoad } from './steady-connection.js';
import { Tally } from './tally.js';

/** `stop` lets everything that is outstanding be answered, for at most so long. */
export type LoadCommand = { readonly do: 'report' } | { readonly do: 'stop'; readonly limitMs: number };

const SWEEP_MS = 1000;

const plan = workerData as LoadPlan;
const shared: SharedLoad = { plan, tally: new Tally(), stopping: false };
const connections = Array.from(
  { length: plan.connections },
  (_, index) => new SteadyConnection(shared, index),
);
const clients = Promise.all([
  ...connections.map((connection) => connection.done),
  ...Array.from({ length: plan.slow }, (_, index) => runSlowClient(shared, index)),
  ...Array.from({ length: plan.rude }, (_, index) => runRudeClient(shared, index)),
]);
const sweep = setInterval(() => {
  const nowMs = performance.now();
  for (const connection of connections) connection.check(nowMs);
}, SWEEP_MS);

parentPort!.on('message', (command: LoadCommand) => {
  if (command.do === 'report') parentPort!.postMessage(shared.tally.report());
  else void stop(command.limitMs);
});

async function stop(limitMs: number): Promise<void> {
  shared.stopping = true;
  const limit = setTimeout(() => {
    for (const connection of connections) connection.destroy();
  }, limitMs);
  await clients;
  clearTimeout(limit);
  clearInterval(sweep);
  parentPort!.postMessage(shared.tally.report());
  parentPort!.close();
}
