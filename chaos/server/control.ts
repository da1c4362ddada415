/** A client of xgi's control socket: HTTP over a Unix-domain socket. Of the answers only what the suite looks at. */
import { request } from 'node:http';

export interface WorkerFigures {
  readonly pid: number | null;
  readonly state: 'booting' | 'ready' | 'draining';
  readonly generation: number;
  readonly requests: number;
  readonly rssBytes: number | null;
  readonly running: readonly object[];
}

export interface Totals {
  readonly requests: number;
  readonly timeouts: number;
  readonly died: number;
  readonly booted: number;
  readonly crashed: number;
  readonly recycled: number;
}

export interface Reload {
  readonly at: string;
  readonly ok: boolean;
  readonly failure?: { readonly code: string; readonly message: string; readonly traceback: string };
}

export interface Status {
  readonly pid: number;
  readonly state: 'starting' | 'ready' | 'reloading' | 'failing' | 'stopping';
  readonly lastReload: Reload | null;
  readonly gateways: readonly {
    readonly pid: number;
    readonly workers: readonly WorkerFigures[];
    readonly totals: Totals;
  }[];
}

const LIMIT_MS = 10_000;

/** @throws if nobody answers with 200 and JSON */
export function askStatus(socketPath: string): Promise<Status> {
  return ask(socketPath, 'GET', '/status') as Promise<Status>;
}

/** @param workers `8`, or `1..8` */
export async function askScale(socketPath: string, workers: string): Promise<void> {
  await ask(socketPath, 'POST', '/scale', JSON.stringify({ workers }));
}

function ask(socketPath: string, method: string, path: string, body?: string): Promise<unknown> {
  const headers =
    body === undefined
      ? {}
      : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
  const options = { socketPath, method, path, headers, timeout: LIMIT_MS, agent: false } as const;
  return new Promise((resolve, reject) => {
    const asking = request(options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode !== 200)
          reject(new Error(`${method} ${path}: ${response.statusCode} ${text}`));
        else resolve(JSON.parse(text));
      });
    });
    asking.on('timeout', () =>
      asking.destroy(new Error(`${method} ${path}: no answer within ${LIMIT_MS} ms`)),
    );
    asking.on('error', reject);
    asking.end(body);
  });
}
