/**
 * The Request of an application in the fetch style, made of a request of the gateway. What it has is made when it is asked for; it becomes one of
 * Node's own when its body, or what only that can do, is asked for.
 */
import { requestChunks } from '../../bodies/request-bytes.js';
import { RemoteProtocolError } from '../../errors.js';
import { hasDotSegments } from '../../http/dot-segments.js';
import type { GatewayRequest } from '../../types.js';
import { delegate } from './delegate.js';

/** Node's own. */
export const NodeRequest: typeof Request = globalThis.Request;

export class LightRequest {
  readonly #request: GatewayRequest;
  #url: string | undefined;
  #headers: Headers | undefined;
  #abort: AbortController | undefined;
  #full: Request | undefined;

  constructor(request: GatewayRequest) {
    this.#request = request;
  }

  get method(): string {
    return this.#request.method;
  }

  /** The public one, mount and all. */
  get url(): string {
    this.#url ??= urlOf(this.#request);
    return this.#url;
  }

  get headers(): Headers {
    if (this.#full !== undefined) return this.#full.headers;
    this.#headers ??= headersOf(this.#request);
    return this.#headers;
  }

  /** Aborted if the client goes. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = new AbortController();
      this.#abort = abort;
      this.#request.onAbort(() => abort.abort());
    }
    return this.#abort.signal;
  }

  get bodyUsed(): boolean {
    return this.#full?.bodyUsed ?? false;
  }

  /** @returns the same for anything else */
  static become(input: unknown): unknown {
    if (typeof input !== 'object' || input === null || !(#request in input)) return input;
    return input.#full ?? input.#become();
  }

  #become(): Request {
    const { method, body } = this.#request;
    const hasBody = body !== null && method !== 'GET' && method !== 'HEAD';
    this.#full = new NodeRequest(this.url, {
      method,
      headers: this.headers,
      signal: this.signal,
      redirect: 'manual',
      ...(hasBody ? { body: ReadableStream.from(requestChunks(body)), duplex: 'half' as const } : {}),
    });
    return this.#full;
  }
}

delegate(LightRequest, NodeRequest, (light) => LightRequest.become(light) as Request);

function headersOf({ fields }: GatewayRequest): Headers {
  const headers = new Headers();
  for (let i = 0; i < fields.length; i += 2) headers.append(fields[i]!, fields[i + 1]!);
  return headers;
}

// What the URL parser leaves as it is: no dot segments, no backslashes, no tabs, nothing it would encode.
const PLAIN_PATH = /^(?:\/(?!(?:\.|%2e){1,2}(?:\/|$))[\w.\-~!$&'()*+,;=:@%]*)+$/i;
const PLAIN_QUERY = /^[\w.\-~!$&()*+,;=:@%/?]*$/;

/** @throws RemoteProtocolError 400 `XGI_APP_URL` */
function urlOf({ scheme, authority, mount, path, query }: GatewayRequest): string {
  const whole = mount + path;
  const origin = originOf(scheme, authority);
  if (PLAIN_PATH.test(whole) && PLAIN_QUERY.test(query))
    return origin + whole + (query === '' ? '' : `?${query}`);
  // Nobody before the application has seen that one.
  if (hasDotSegments(whole))
    throw new RemoteProtocolError(
      400,
      'XGI_APP_URL',
      `there is no URL with the path ${whole}: its dot segments or backslashes would make it another`,
    );
  return parse(encodeBytes(`${origin}${whole}${query === '' ? '' : `?${query}`}`)).href;
}

/** Each is a byte, as routes read it; the parser would take it for a character, and write its UTF-8. */
function encodeBytes(url: string): string {
  return url.replaceAll(/[\x80-\xff]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

let lastAuthority = '';
let lastOrigin = '';

function originOf(scheme: string, authority: string): string {
  const key = `${scheme}://${authority || 'localhost'}`;
  if (key !== lastAuthority) {
    const { origin, host, port } = parse(key);
    // Routes go by the host as it was sent: `%61dmin.example` and `127.1` are not those that the parser makes of them.
    const isSame = authority === '' || withoutDefaultPort(authority, port) === host;
    if (!isSame)
      throw new RemoteProtocolError(
        400,
        'XGI_APP_URL',
        `there is no URL with the host ${authority}: it would become ${host}`,
      );
    lastOrigin = origin;
    lastAuthority = key;
  }
  return lastOrigin;
}

/** @param port as the parser has it, '' for that of the scheme */
function withoutDefaultPort(authority: string, port: string): string {
  return (port === '' ? authority.replace(/:(?:80|443)?$/, '') : authority).toLowerCase();
}

/** @throws RemoteProtocolError 400 `XGI_APP_URL`: HTTP allows hosts that no URL has, `a..b` or `1.2.3.4.5` */
function parse(url: string): URL {
  try {
    return new URL(url);
  } catch {
    throw new RemoteProtocolError(400, 'XGI_APP_URL', `there is no URL for this request: ${url}`);
  }
}
