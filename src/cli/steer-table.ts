/** What `xgi status` prints. Text that comes from requests and programs is escaped. */
import { formatDetail } from '../observe/detail.js';
import { CONTROLS, createEscape } from '../observe/escape.js';
import { formatWorkerRange } from '../config/units.js';
import type { GatewayStatus, ServiceState, ServiceStatus } from '../service/status.js';
import type { PoolTotals, RunningRequest, WorkerState, WorkerStatus } from '../workers/status.js';
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

const escapeLine = createEscape(CONTROLS);

/** Lines, each with its end. */
export function formatStatus(status: ServiceStatus, paint: Paint): string {
  return [formatService(status, paint), ...status.gateways.map((one) => formatGateway(one, paint))].join(
    '\n',
  );
}

function formatService(status: ServiceStatus, paint: Paint): string {
  const { version, pid, state, uptimeMs, target, listening, workers } = status;
  const running = status.gateways.reduce((sum, gateway) => sum + gateway.workers.length, 0);
  return (
    `${paint('bold', `xgi ${escapeLine(version)}`)}  ${paintState(state, paint)}  pid ${pid}  up ${formatDuration(uptimeMs)}\n` +
    formatField('target', [escapeLine(target)]) +
    formatField('listening', listening.map(escapeLine)) +
    formatField('workers', [`${formatWorkerRange(workers)}, ${running} running`]) +
    formatReload(status.lastReload, paint)
  );
}

function formatField(name: string, values: readonly string[]): string {
  return values.map((value, i) => `  ${(i === 0 ? name : '').padEnd(13)}${value}\n`).join('');
}

function formatReload(reload: ServiceStatus['lastReload'], paint: Paint): string {
  if (reload === null) return '';
  const at = escapeLine(reload.at);
  if (reload.ok) return formatField('last reload', [at]);
  const { code, message, traceback } = reload.failure;
  return (
    formatField('last reload', [`${at}, ${paint('red', 'failed')}: the old code goes on`]) +
    formatField('', [`${escapeLine(code)}: ${escapeLine(message)}`]) +
    (traceback === '' ? '' : formatDetail(traceback))
  );
}

function formatGateway({ pid, connections, queue, totals, workers }: GatewayStatus, paint: Paint): string {
  const waiting =
    queue.waiting === 0
      ? 'none waiting'
      : `${formatCount(queue.waiting)} waiting, the oldest for ${formatDuration(queue.oldestMs)}`;
  return (
    `${paint('bold', `gateway ${pid}`)}  ${plural(connections, 'connection')}, ${waiting}; ${formatTotals(totals)}\n` +
    formatWorkers(workers, paint)
  );
}

/** What never happened is left out. */
function formatTotals(totals: PoolTotals): string {
  const { requests, timeouts, queueTimeouts, died, booted, crashed, recycled } = totals;
  const rare = [
    [timeouts, 'timed out'],
    [queueTimeouts, 'waited too long'],
    [died, 'died with a worker'],
    [crashed, 'workers crashed'],
    [recycled, 'workers recycled'],
  ] as const;
  const parts = rare.filter(([count]) => count > 0).map(([count, what]) => `${formatCount(count)} ${what}`);
  return [`${plural(requests, 'request')}, ${plural(booted, 'worker')} started`, ...parts].join(', ');
}

interface Column {
  readonly title: string;
  readonly align: 'left' | 'right';
  text(worker: WorkerStatus): string;
}

const COLUMNS: readonly Column[] = [
  { title: 'PID', align: 'right', text: ({ pid }) => String(pid ?? '-') },
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
  const widths = COLUMNS.map(({ title, text }) =>
    Math.max(title.length, ...workers.map((worker) => text(worker).length)),
  );
  const cell = (text: string, i: number): string =>
    COLUMNS[i]!.align === 'left' ? text.padEnd(widths[i]!) : text.padStart(widths[i]!);
  const head = [...COLUMNS.map(({ title }, i) => cell(title, i)), 'RUNNING'].join('  ');
  const indent = ' '.repeat(2 + widths.reduce((sum, width) => sum + width + 2, 0));
  const rows = workers.map((worker) => {
    const cells = COLUMNS.map(({ title, text }, i) => {
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
