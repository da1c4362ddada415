/**
 * Applications in the fetch style: `export default { fetch(request) }`, which takes a Request and returns a Response (WHATWG Fetch). Hono, h3 and
 * others are written like that.
 */
import { type Chunks, iterableBody, streamBody } from '../../bodies/iterable-body.js';
import { GatewayError } from '../../errors.js';
import { formatKind } from '../../errors/received.js';
import type { GatewayRequest, GatewayResponse, Handler, Identity, ResponseBody } from '../../types.js';
import { applicationHead, badResponse } from './application-head.js';
import { installFetchGlobals } from './fetch-globals.js';
import { LightRequest } from './light-request.js';
import { fieldsOf, LightResponse, type ResponseParts } from './light-response.js';
import { smallBody } from './small-body.js';
import { isThenable } from './thenable.js';

/** The second argument: what a Request cannot tell. */
export interface FetchContext {
  /** The front of the path that a route has taken, still percent-encoded; '' for none. The URL has it too. */
  readonly mount: string;
  readonly clientAddress: string;
  /** null unless a middleware has authenticated the client. */
  readonly identity: Identity | null;
  /** What middleware tells about this request. */
  readonly variables: Readonly<Record<string, string>>;
  /** The request's `id`: in the logs, too. */
  readonly requestId: string;
}

/** An application in the fetch style (WHATWG Fetch). What it throws, or rejects with, is a 500 `XGI_APP_RAISED`. */
export interface FetchApplication {
  fetch(request: Request, context: FetchContext): Response | Promise<Response>;
}

/** The URL is the public one, mount and all. The signal is aborted if the client goes. Replaces `Request`, `Response` and `fetch` (fetch-globals.ts). */
export function createFetchHandler(application: FetchApplication): Handler {
  installFetchGlobals();
  return (request) => {
    if (isUnspeakable(request.method)) throw methodRefused(request);
    const light = new LightRequest(request) as unknown as Request;
    const answer: unknown = application.fetch(light, new RequestContext(request));
    return isThenable(answer) ? Promise.resolve(answer).then(fromResponse) : fromResponse(answer);
  };
}

/** Those that a Request cannot have. CONNECT gets no further than the server. */
const UNSPEAKABLE: ReadonlySet<string> = new Set(['TRACE', 'TRACK']);

/** Or that it would make another of (Fetch standard, "normalize a method"): routes and middleware have taken `post` for none that they know. */
function isUnspeakable(method: string): boolean {
  const upper = method.toUpperCase();
  return UNSPEAKABLE.has(upper) || (method !== upper && NORMALIZED.has(upper));
}

const NORMALIZED: ReadonlySet<string> = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT']);

/** Which of them it takes, only the application knows; a 405 has to name some (RFC 9110 section 15.5.6). */
const USUAL_METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';

function methodRefused({ method }: GatewayRequest): GatewayError {
  return new GatewayError(405, 'XGI_APP_METHOD', `the method ${method} is not for this application`, {
    fields: ['Allow', USUAL_METHODS],
  });
}

class RequestContext implements FetchContext {
  readonly mount: string;
  readonly clientAddress: string;
  readonly identity: Identity | null;
  readonly #request: GatewayRequest;

  constructor(request: GatewayRequest) {
    this.mount = request.mount;
    this.clientAddress = request.clientAddress;
    this.identity = request.identity;
    this.#request = request;
  }

  get variables(): Readonly<Record<string, string>> {
    const { variables } = this.#request;
    const entries: [string, string][] = [];
    for (let i = 0; i < variables.length; i += 2) entries.push([variables[i]!, variables[i + 1]!]);
    return Object.fromEntries(entries);
  }

  get requestId(): string {
    return this.#request.id;
  }
}

/** @throws GatewayError 500 `XGI_APP_RESPONSE` for what is no Response */
function fromResponse(response: unknown): GatewayResponse {
  if (!isResponse(response)) throw badResponse(`fetch returned ${formatKind(response)}; expected a Response`);
  const parts = LightResponse.partsOf(response as Response);
  return parts === undefined ? fromFullResponse(response) : fromParts(parts);
}

function fromParts(parts: ResponseParts): GatewayResponse {
  const { status, statusText, body } = parts;
  return { head: applicationHead(status, statusText, fieldsOf(parts)), body: smallBody(body) };
}

/** Node's own, one of another implementation (node-fetch, undici), or of another realm. */
interface ForeignResponse {
  readonly status: number;
  readonly statusText?: string;
  readonly type?: string;
  readonly bodyUsed?: boolean;
  readonly headers: Iterable<readonly [string, string]>;
  readonly body?: Chunks | null;
}

function isResponse(value: unknown): value is ForeignResponse {
  if (typeof value !== 'object' || value === null) return false;
  const { status, headers } = value as Partial<ForeignResponse>;
  return (
    typeof status === 'number' &&
    typeof headers === 'object' &&
    headers !== null &&
    Symbol.iterator in headers
  );
}

function fromFullResponse(response: ForeignResponse): GatewayResponse {
  if (response.type === 'error') throw badResponse('fetch returned Response.error()');
  if (response.bodyUsed === true) throw badResponse('fetch returned a Response whose body was read already');
  const fields: string[] = [];
  for (const pair of response.headers) {
    if (!Array.isArray(pair)) throw badResponse('its headers are no pairs of name and value');
    fields.push(pair[0] as string, pair[1] as string);
  }
  const head = applicationHead(response.status, response.statusText ?? '', fields);
  return { head, body: foreignBody(response) };
}

function foreignBody({ body }: ForeignResponse): ResponseBody {
  if (body === null || body === undefined) return { kind: 'empty' };
  if (body instanceof ReadableStream) {
    if (body.locked) throw badResponse('fetch returned a Response whose body is locked to a reader');
    return streamBody(body);
  }
  if (!(Symbol.asyncIterator in body) && !(Symbol.iterator in body))
    throw badResponse('the body of the Response is no stream');
  return iterableBody(body);
}
