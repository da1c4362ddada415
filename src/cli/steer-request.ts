/** One request to a control socket (docs/operate/control.md). */
import { request } from 'node:http';
import { SteerError } from './steer-error.js';

/** More than 1,024 workers have to tell. Root also asks processes of other users, who could go on without an end. */
const MAX_ANSWER_LENGTH = 64 * 2 ** 20;

export interface ControlRequest {
  readonly method: 'GET' | 'POST';
  readonly url: '/status' | '/reload' | '/scale' | '/stop';
  readonly body?: object;
  /** For the whole answer; undefined to wait as long as it takes. */
  readonly timeoutMs?: number;
}

export interface ControlAnswer {
  readonly status: number;
  /** The JSON as it came. */
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
}

/**
 * @throws SteerError `XGI_CONTROL_NONE` if nobody listens there, `XGI_CONTROL_DENIED` if this user may not connect,
 *   `XGI_CONTROL_SILENT` if there is no answer in time, `XGI_CONTROL_LOST` if it broke off, `XGI_CONTROL_FOREIGN` if it is not xgi's
 */
export async function requestControl(
  socketPath: string,
  { method, url, body, timeoutMs }: ControlRequest,
): Promise<ControlAnswer> {
  return await new Promise((resolve, reject) => {
    const client = request({ socketPath, method, path: url, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
        if (text.length <= MAX_ANSWER_LENGTH) return;
        reject(foreign(socketPath));
        client.destroy();
      });
      response.on('error', (error) => reject(describe(error, socketPath)));
      response.on('end', () => {
        const json = parseObject(text);
        if (json === undefined) reject(foreign(socketPath));
        else resolve({ status: response.statusCode!, text, json });
      });
    });
    client.on('error', (error) => reject(describe(error, socketPath)));
    if (timeoutMs !== undefined) {
      const timer = setTimeout(() => client.destroy(silent(socketPath, timeoutMs)), timeoutMs);
      client.on('close', () => clearTimeout(timer));
    }
    client.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** The error that an answer tells: `{code, message}`. */
export function refusalOf({ status, json }: ControlAnswer): SteerError {
  const { code, message } = json;
  return typeof code === 'string' && /^XGI_[A-Z_]+$/.test(code)
    ? new SteerError(code as SteerError['code'], String(message))
    : new SteerError('XGI_CONTROL_FOREIGN', `expected an answer of xgi, received the status ${status}`);
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function describe(error: NodeJS.ErrnoException, path: string): SteerError {
  if (error instanceof SteerError) return error;
  switch (error.code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
    case 'ENOTDIR':
      return new SteerError('XGI_CONTROL_NONE', `${path}: no xgi listens there (${error.code})`);
    case 'EACCES':
    case 'EPERM':
      return new SteerError(
        'XGI_CONTROL_DENIED',
        `${path}: not permitted (${error.code}); run it as the user of xgi, or with sudo`,
      );
    default:
      return String(error.code).startsWith('HPE_')
        ? foreign(path)
        : new SteerError(
            'XGI_CONTROL_LOST',
            `${path}: the connection ended without an answer (${error.code ?? error.message}); it may have stopped: see xgi status`,
          );
  }
}

function silent(path: string, timeoutMs: number): SteerError {
  return new SteerError(
    'XGI_CONTROL_SILENT',
    `${path}: no answer within ${timeoutMs / 1000} s; the process is stopped, or very busy`,
  );
}

function foreign(path: string): SteerError {
  return new SteerError('XGI_CONTROL_FOREIGN', `${path}: what listens there is not an xgi`);
}
