/** What the control socket is asked → what it answers. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ConfigError, messageOf, XgiError } from '../errors.js';
import { formatReceived } from '../errors/received.js';
import type { Log, WorkerRange } from '../types.js';
import { readJsonObject } from './control-body.js';
import { ControlError } from './control-error.js';
import { formatWorkerRange, parseWorkerRange, WORKER_RANGE_FORM } from '../config/units.js';
import type { ReloadOutcome, ServiceStatus } from './status.js';

/** The service as the control socket steers it. What a method throws is answered: a ConfigError with 400, else 500. */
export interface Steered {
  status(): Promise<ServiceStatus>;
  /** Resolves when the new code serves, or the old goes on. */
  reload(): Promise<ReloadOutcome>;
  /** @throws ConfigError if that cannot be */
  scale(workers: WorkerRange, application?: string): void;
  /** Begins to stop, and returns. `quick` is as SIGINT, else as SIGTERM. */
  stop(quick: boolean): void;
}

export interface ControlRoutesOptions {
  readonly steered: Steered;
  readonly log: Log;
  /** How long `status` may take: 503. */
  readonly statusTimeoutMs: number;
  /** The longest time in which a client takes nothing of its answer. */
  readonly idleTimeoutMs: number;
}

interface Answer {
  readonly status: number;
  readonly body: object;
  /** Done when the answer has been sent. */
  readonly afterwards?: () => void;
}

interface Route {
  readonly method: 'GET' | 'POST';
  answer(request: IncomingMessage, options: ControlRoutesOptions): Promise<Answer>;
}

const ROUTES: Readonly<Record<string, Route>> = {
  '/status': { method: 'GET', answer: status },
  '/reload': { method: 'POST', answer: reload },
  '/scale': { method: 'POST', answer: scale },
  '/stop': { method: 'POST', answer: stop },
};

/** A listener for `request` events. One line of JSON answers each request. */
export function createControlListener(
  options: ControlRoutesOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => void respond(request, response, options);
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  options: ControlRoutesOptions,
): Promise<void> {
  let answer: Answer;
  try {
    answer = await findRoute(request, response).answer(request, options);
  } catch (error) {
    answer = describeError(error, options.log);
  }
  request.socket.setTimeout(options.idleTimeoutMs);
  const text = `${JSON.stringify(answer.body)}\n`;
  response.writeHead(answer.status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(text),
    Connection: 'close',
  });
  response.end(text);
  // The answer has been given to the system by then, unless the client does not read.
  if (answer.afterwards !== undefined) setImmediate(answer.afterwards);
}

function findRoute({ url = '', method }: IncomingMessage, response: ServerResponse): Route {
  const [path = ''] = url.split('?', 1);
  const route = Object.hasOwn(ROUTES, path) ? ROUTES[path] : undefined;
  if (route === undefined) {
    const paths = Object.entries(ROUTES).map(([name, known]) => `${known.method} ${name}`);
    throw new ControlError(
      404,
      'XGI_CONTROL_NOT_FOUND',
      `there is nothing of this path; there are ${paths.join(', ')}`,
    );
  }
  if (method === route.method) return route;
  response.setHeader('Allow', route.method);
  throw new ControlError(405, 'XGI_CONTROL_METHOD', `${path} takes ${route.method} only`);
}

async function status(
  _: IncomingMessage,
  { steered, statusTimeoutMs }: ControlRoutesOptions,
): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(tooBusy(statusTimeoutMs)), statusTimeoutMs);
  });
  try {
    return { status: 200, body: await Promise.race([steered.status(), late]) };
  } finally {
    clearTimeout(timer);
  }
}

async function reload(request: IncomingMessage, { steered, log }: ControlRoutesOptions): Promise<Answer> {
  await readJsonObject(request);
  log.info('Handling control command: reload');
  // A reload may take as long as the application takes to load.
  request.socket.setTimeout(0);
  const outcome = await steered.reload();
  return { status: outcome.ok ? 200 : 409, body: outcome };
}

async function scale(request: IncomingMessage, { steered, log }: ControlRoutesOptions): Promise<Answer> {
  const { workers: wanted, app } = await readJsonObject(request);
  const isText = typeof wanted === 'string' || typeof wanted === 'number';
  const workers = isText ? parseWorkerRange(String(wanted)) : undefined;
  if (workers === undefined) {
    throw new ControlError(
      400,
      'XGI_CONTROL_VALUE',
      `workers: expected ${WORKER_RANGE_FORM}, received ${formatReceived(wanted)}`,
    );
  }
  if (app !== undefined && typeof app !== 'string') {
    throw new ControlError(
      400,
      'XGI_CONTROL_VALUE',
      `app: expected the name of an application, received ${formatReceived(app)}`,
    );
  }
  log.info(`Handling control command: scale ${formatWorkerRange(workers)}`);
  steered.scale(workers, app);
  return { status: 200, body: { ok: true, workers } };
}

async function stop(request: IncomingMessage, { steered, log }: ControlRoutesOptions): Promise<Answer> {
  const { quick = false } = await readJsonObject(request);
  if (typeof quick !== 'boolean') {
    throw new ControlError(
      400,
      'XGI_CONTROL_VALUE',
      `quick: expected true or false, received ${formatReceived(quick)}`,
    );
  }
  log.info(`Handling control command: stop${quick ? ' --quick' : ''}`);
  return { status: 202, body: { ok: true }, afterwards: () => steered.stop(quick) };
}

function describeError(error: unknown, log: Log): Answer {
  if (error instanceof XgiError) {
    const { code, message } = error;
    const wrong = error instanceof ConfigError ? 400 : 500;
    return { status: error instanceof ControlError ? error.status : wrong, body: { code, message } };
  }
  log.error('XGI_CONTROL_FAILED: a control command failed: this is a bug in xgi', { err: error });
  const message = messageOf(error);
  return { status: 500, body: { code: 'XGI_CONTROL_FAILED', message } };
}

function tooBusy(timeoutMs: number): ControlError {
  return new ControlError(
    503,
    'XGI_CONTROL_TIMEOUT',
    `the status could not be told within ${timeoutMs / 1000} s; ask again`,
  );
}
