/** A real server with middleware in front of a handler that tells what it was asked. */
import { collectBody } from '../../src/bodies/request-bytes.js';
import type { GatewayRequest, Handler, Middleware } from '../../src/types.js';
import { answer, type RunningServer, startServer, type StartOptions } from './http-server.js';

export interface Seen {
  readonly method: string;
  readonly mount: string;
  readonly path: string;
  readonly query: string;
  readonly target: string;
  readonly id: string;
  readonly user: string | null;
  readonly body: string;
  /** Lower-case names; of repeated ones the last. */
  readonly fields: Readonly<Record<string, string>>;
}

export async function tell(request: GatewayRequest): Promise<ReturnType<typeof answer>> {
  const { method, mount, path, query, target, id, identity } = request;
  const body = (await collectBody(request.body, 1_000_000)).toString('latin1');
  const fields: Record<string, string> = {};
  for (let i = 0; i < request.fields.length; i += 2)
    fields[request.fields[i]!.toLowerCase()] = request.fields[i + 1]!;
  const seen: Seen = { method, mount, path, query, target, id, user: identity?.user ?? null, body, fields };
  return answer(JSON.stringify(seen), 200, ['Content-Type', 'application/json', 'X-Program', 'one']);
}

/** @param middleware the first is the outermost */
export async function startMiddleware(
  middleware: readonly Middleware[],
  handler: Handler = tell,
  options: StartOptions = {},
): Promise<RunningServer> {
  return await startServer(
    middleware.reduceRight<Handler>((next, one) => one(next), handler),
    options,
  );
}

/** What the handler saw of a request that reaches it. */
export async function see(
  url: string,
  init: RequestInit = {},
): Promise<{ readonly seen: Seen; readonly response: Response }> {
  const response = await fetch(url, { redirect: 'manual', ...init });
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  return { seen: (await response.json()) as Seen, response };
}
