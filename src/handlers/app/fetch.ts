/**
 * Applications in the fetch style: `export default { fetch(request) }`, which takes a Request and returns a Response (WHATWG Fetch). Hono, h3 and
 * others are written like that.
 */
import { iterableBody } from '../../bodies/iterable-body.js';
import { requestChunks } from '../../bodies/request-bytes.js';
import { GatewayError } from '../../errors.js';
import { ResponseHead } from '../../http/response-head.js';
import type { GatewayRequest, GatewayResponse, Handler, Identity, ResponseBody } from '../../types.js';

/** The second argument: what a Request cannot tell. */
export interface FetchContext {
  /** The front of the path that a route has taken, still percent-encoded; '' for none. The URL has it too. */
  readonly mount: string;
  readonly clientAddress: string;
  /** null unless a middleware has authenticated the client. */
  readonly identity: Identity | null;
  /** What middleware tells about this request. */
  readonly variables: Readonly<Record<string, string>>;
  /** Unique among all requests of this gateway. */
  readonly requestId: string;
}

export interface FetchApplication {
  fetch(request: Request, context: FetchContext): Response | Promise<Response>;
}

/** The URL is the public one, mount and all. The signal is aborted if the client goes. */
export function createFetchHandler(application: FetchApplication): Handler {
  return async (request) => {
    const response = await application.fetch(toRequest(request), contextOf(request));
    return fromResponse(response);
  };
}

/** Those that a Request cannot have. CONNECT gets no further than the server. */
const UNSPEAKABLE: ReadonlySet<string> = new Set(['TRACE', 'TRACK']);

function toRequest(request: GatewayRequest): Request {
  const { method, fields, body } = request;
  if (UNSPEAKABLE.has(method.toUpperCase()))
    throw new GatewayError(405, 'XGI_APP_METHOD', `the method ${method} is not for this application`);
  const headers = new Headers();
  for (let i = 0; i < fields.length; i += 2) headers.append(fields[i]!, fields[i + 1]!);
  const abort = new AbortController();
  request.onAbort(() => abort.abort());
  const hasBody = body !== null && method !== 'GET' && method !== 'HEAD';
  return new Request(urlOf(request), {
    method,
    headers,
    signal: abort.signal,
    redirect: 'manual',
    ...(hasBody ? { body: ReadableStream.from(requestChunks(body)), duplex: 'half' as const } : {}),
  });
}

function urlOf({ scheme, authority, mount, path, query }: GatewayRequest): string {
  return `${scheme}://${authority || 'localhost'}${mount}${path}${query === '' ? '' : `?${query}`}`;
}

function contextOf({ mount, clientAddress, identity, variables, id }: GatewayRequest): FetchContext {
  const entries: [string, string][] = [];
  for (let i = 0; i < variables.length; i += 2) entries.push([variables[i]!, variables[i + 1]!]);
  return { mount, clientAddress, identity, variables: Object.fromEntries(entries), requestId: id };
}

/** Of the connection, which is the server's (RFC 9110 section 7.6.1). Frameworks set them for servers that need to be told. */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'transfer-encoding']);

function fromResponse(response: Response): GatewayResponse {
  if (!(response instanceof Response))
    throw new GatewayError(
      500,
      'XGI_APP_RESPONSE',
      `fetch returned ${describe(response)}; expected a Response`,
    );
  const fields: string[] = [];
  for (const [name, value] of response.headers) {
    if (!OF_THE_CONNECTION.has(name)) fields.push(name, value);
  }
  const body: ResponseBody = response.body === null ? { kind: 'empty' } : iterableBody(response.body);
  return { head: new ResponseHead(response.status, fields, response.statusText), body };
}

function describe(value: unknown): string {
  if (value === null || typeof value !== 'object') return String(value);
  return `an object of ${value.constructor?.name ?? 'no class'}`;
}
