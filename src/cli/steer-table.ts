/** What `xgi status` prints. Text that comes from requests and programs is escaped. */
import { formatDetail } from '../observe/detail.js';
import { CONTROLS, createEscape } from '../observe/escape.js';
import { formatWorkerRange } from '../config/units.js';
import type { GatewayStatus, ServiceState, ServiceStatus } from '../service/status.js';
import type {
  FailureStatus,
  PoolTotals,
  RunningRequest,
  WorkerState,
  WorkerStatus,
} from '../workers/status.js';
import { formatCount, formatDuration, formatSize } from './steer-units.js';

export type Format = 'bold' | 'dim' | 'green' | 'yellow' | 'red';

/** Makes the text look so, or leaves it as it is. */
export type Paint = (format: Format, text: string) => string;

/** Of one worker. */
const MAX_RUNNING = 3;
const MAX_PATH = 60;

const COLOURS: Readonly<Record<ServiceState | WorkerState, Format>> = {
  ready: 'green',
  starting: 'yellow',
  booting: 'yellow',
  reloading: 'yellow',
  draining: 'yellow',
  stopping: 'yellow',
  failing: 'red',
};

const WORKER_STATES: readonly WorkerState[] = ['ready', 'draining', 'booting'];

const escapeLine = createEscape(CONTROLS);

/** Lines, each with its end. */
export function formatStatus(status: ServiceStatus, paint: Paint): string {
  const failure = findCommonFailure(status.gateways);
  const gateways = status.gateways.map((gateway) =>
    formatGateway(failure === undefined ? gateway : { ...gateway, bootFailure: null }, paint),
  );
  return [formatService(status, failure, paint), ...gateways].join('\n');
}

/** Why new workers cannot load the application, if all gateways say the same. */
function findCommonFailure(gateways: readonly GatewayStatus[]): FailureStatus | undefined {
  const [first, ...others] = gateways.map(({ bootFailure }) => bootFailure);
  if (!first) return undefined;
  return others.every((other) => isSame(first, other)) ? first : undefined;
}

function isSame(a: FailureStatus, b: FailureStatus | null | undefined): boolean {
  return a.code === b?.code && a.message === b.message && a.traceback === b.traceback;
}

function formatService(status: ServiceStatus, failure: FailureStatus | undefined, paint: Paint): string {
  const { version, pid, state, uptimeMs, target, listening, workers } = status;
  const all = status.gateways.flatMap((gateway) => gateway.workers);
  return (
    `${paint('bold', `xgi ${escapeLine(version)}`)}  ${paintState(state, paint)}  pid ${pid}  up ${formatDuration(uptimeMs)}\n` +
    formatField('target', [escapeLine(target)]) +
    formatField('listening', listening.map(escapeLine)) +
    formatField('workers', [
      workers.max === 0 ? 'none' : `${formatWorkerRange(workers)}, ${formatStates(all)}`,
    ]) +
    formatReload(status.lastReload, paint) +
    (failure === undefined ? '' : formatBootFailure(failure, paint))
  );
}

/** `4 ready, 1 booting` */
function formatStates(workers: readonly WorkerStatus[]): string {
  const counts = WORKER_STATES.map((state) => ({
    state,
    count: workers.filter((worker) => worker.state === state).length,
  }));
  const parts = counts.filter(({ count }) => count > 0);
  return parts.length === 0
    ? 'none running'
    : parts.map(({ state, count }) => `${formatCount(count)} ${state}`).join(', ');
}

function formatField(name: string, values: readonly string[]): string {
  return values.map((value, i) => `  ${(i === 0 ? name : '').padEnd(13)}${value}\n`).join('');
}

function formatReload(reload: ServiceStatus['lastReload'], paint: Paint): string {
  if (reload === null) return '';
  const at = escapeLine(reload.at);
  if (reload.ok) return formatField('last reload', [at]);
  const what = `${at}, ${paint('red', 'failed')}: the old code goes on`;
  return formatField('last reload', [what]) + formatFailure(reload.failure);
}

function formatBootFailure(failure: FailureStatus, paint: Paint): string {
  return formatField('application', [paint('red', 'new workers cannot load it')]) + formatFailure(failure);
}

function formatFailure({ code, message, traceback }: FailureStatus): string {
  return (
    formatField('', [`${escapeLine(code)}: ${escapeLine(message)}`]) +
    (traceback === '' ? '' : formatDetail(traceback))
  );
}

function formatGateway(gateway: GatewayStatus, paint: Paint): string {
  const { pid, connections, requests, queue, totals, bootFailure, workers } = gateway;
  const waiting =
    queue.waiting === 0
      ? 'none waiting'
      : `${formatCount(queue.waiting)} waiting, the oldest for ${formatDuration(queue.oldestMs)}`;
  return (
    `${paint('bold', `gateway ${pid}`)}  ${plural(connections, 'connection')}, ${waiting}; ${[plural(requests, 'request'), ...formatTotals(totals)].join(', ')}\n` +
    (bootFailure ? formatBootFailure(bootFailure, paint) : '') +
    // Files need none.
    (totals.booted === 0 ? '' : formatWorkers(workers, paint))
  );
}

/** What never happened is left out. */
function formatTotals(totals: PoolTotals): string[] {
  const { timeouts, queueTimeouts, died, booted, crashed, recycled } = totals;
  const events = [
    [booted, `${plural(booted, 'worker')} started`],
    [timeouts, `${formatCount(timeouts)} timed out`],
    [queueTimeouts, `${formatCount(queueTimeouts)} waited too long`],
    [died, `${formatCount(died)} died with a worker`],
    [crashed, `${plural(crashed, 'worker')} crashed`],
    [recycled, `${plural(recycled, 'worker')} recycled`],
  ] as const;
  return events.filter(([count]) => count > 0).map(([, text]) => text);
}

interface Column {
  readonly title: string;
  readonly align: 'left' | 'right';
  text(worker: WorkerStatus): string;
}

/** Where there are several applications. */
const APPLICATION: Column = {
  title: 'APP',
  align: 'left',
  text: ({ application = '-' }) => escapeLine(application),
};

const COLUMNS: readonly Column[] = [
  {
    title: 'PID',
    align: 'right',
    text: ({ pid, thread }) => (thread === undefined ? String(pid ?? '-') : `${pid}/${thread}`),
  },
  { title: 'STATE', align: 'left', text: ({ state }) => state },
  { title: 'GEN', align: 'right', text: ({ generation }) => String(generation) },
  { title: 'AGE', align: 'right', text: ({ ageMs }) => formatDuration(ageMs) },
  { title: 'REQUESTS', align: 'right', text: ({ requests }) => formatCount(requests) },
  {
    title: 'RSS',
    align: 'right',
    text: ({ rssBytes }) => (rssBytes === null ? '-' : formatSize(rssBytes)),
  },
  { title: 'AHEAD', align: 'right', text: ({ ahead }) => formatCount(ahead) },
];

function formatWorkers(workers: readonly WorkerStatus[], paint: Paint): string {
  if (workers.length === 0) return '  no workers\n';
  const hasSeveral = workers.some(({ application }) => application !== undefined);
  const columns = hasSeveral ? [APPLICATION, ...COLUMNS] : COLUMNS;
  const widths = columns.map(({ title, text }) =>
    Math.max(title.length, ...workers.map((worker) => text(worker).length)),
  );
  const cell = (text: string, i: number): string =>
    columns[i]!.align === 'left' ? text.padEnd(widths[i]!) : text.padStart(widths[i]!);
  const head = [...columns.map(({ title }, i) => cell(title, i)), 'RUNNING'].join('  ');
  const indent = ' '.repeat(2 + widths.reduce((sum, width) => sum + width + 2, 0));
  const rows = workers.map((worker) => {
    const cells = columns.map(({ title, text }, i) => {
      const padded = cell(text(worker), i);
      return title === 'STATE' ? paint(COLOURS[worker.state] ?? 'dim', padded) : padded;
    });
    return `  ${[...cells, formatRunning(worker.running).join(`\n${indent}`)].join('  ').trimEnd()}\n`;
  });
  return `  ${paint('dim', head)}\n${rows.join('')}`;
}

/** The longest first. */
function formatRunning(running: readonly RunningRequest[]): string[] {
  const longest = running.toSorted((a, b) => b.runningMs - a.runningMs);
  const lines = longest.slice(0, MAX_RUNNING).map(formatRequest);
  const more = longest.length - lines.length;
  return more > 0 ? [...lines, `and ${formatCount(more)} more`] : lines;
}

function formatRequest({ method, path, runningMs }: RunningRequest): string {
  const shown = path.length > MAX_PATH ? `${path.slice(0, MAX_PATH - 1)}…` : path;
  return `${escapeLine(method)} ${escapeLine(shown)} ${formatDuration(runningMs)}`;
}

function paintState(state: ServiceState, paint: Paint): string {
  return paint(COLOURS[state] ?? 'dim', escapeLine(state));
}

function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}
