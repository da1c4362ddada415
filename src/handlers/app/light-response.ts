/**
 * A Response that remembers what it was made of, so that its body can be sent without a stream. It becomes one of Node's own when its body, or what
 * only that can do, is asked for.
 */
import type { Fields } from '../../types.js';
import { delegate } from './delegate.js';

/** Node's own. */
export const NodeResponse: typeof Response = globalThis.Response;

type Body = string | Uint8Array | null;

/** What can be sent of a Response that nobody has read. */
export interface ResponseParts {
  readonly status: number;
  readonly statusText: string;
  readonly fields: Fields;
  readonly body: Body;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// What Headers would trim, refuse or leave as it is: only values that stay as they are.
const PLAIN_VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;
const REASON = /^[\t\x20-\x7e\x80-\xff]*$/;
const TEXT = 'text/plain;charset=UTF-8';
const NO_FIELDS: readonly string[] = [];

/** @returns undefined for what only Node's own constructor may judge: other bodies, other headers, mistakes */
export function lightResponse(body: unknown, init: ResponseInit | undefined): Response | undefined {
  if (body !== undefined && body !== null && typeof body !== 'string' && !(body instanceof Uint8Array))
    return undefined;
  const own = typeof body === 'string' ? body : body ? Uint8Array.from(body) : null;
  if (init === undefined || init === null)
    return new LightResponse(own, 200, '', NO_FIELDS) as unknown as Response;
  if (typeof init !== 'object') return undefined;
  const { status = 200, statusText = '', headers } = init;
  const isPlain =
    Number.isInteger(status) &&
    status >= 200 &&
    status <= 599 &&
    typeof statusText === 'string' &&
    REASON.test(statusText) &&
    (own === null || (status !== 204 && status !== 205 && status !== 304));
  const fields = isPlain ? plainFields(headers) : undefined;
  return fields === undefined
    ? undefined
    : (new LightResponse(own, status, statusText, fields) as unknown as Response);
}

/** name, value, name, value …; or a copy of what Headers has. undefined if only Headers may judge. */
function plainFields(headers: unknown): readonly string[] | Headers | undefined {
  if (headers === undefined) return NO_FIELDS;
  if (headers instanceof Headers) return new Headers(headers);
  if (headers === null || typeof headers !== 'object' || Symbol.iterator in headers) return undefined;
  const fields: string[] = [];
  const seen = new Set<string>();
  for (const name of Object.keys(headers)) {
    const value: unknown = (headers as Record<string, unknown>)[name];
    const lower = name.toLowerCase();
    if (typeof value !== 'string' || seen.has(lower) || !TOKEN.test(name) || !PLAIN_VALUE.test(value))
      return undefined;
    seen.add(lower);
    fields.push(lower, value);
  }
  return fields;
}

export class LightResponse {
  readonly #body: Body;
  readonly #status: number;
  readonly #statusText: string;
  #fields: readonly string[] | Headers;
  #full: Response | undefined;

  constructor(body: Body, status: number, statusText: string, fields: readonly string[] | Headers) {
    this.#body = body;
    this.#status = status;
    this.#statusText = statusText;
    this.#fields = fields;
  }

  get status(): number {
    return this.#status;
  }

  get statusText(): string {
    return this.#statusText;
  }

  get ok(): boolean {
    return this.#status < 300;
  }

  get headers(): Headers {
    if (this.#full !== undefined) return this.#full.headers;
    const headers = headersOf(this.#fields);
    if (typeof this.#body === 'string' && !headers.has('content-type')) headers.set('content-type', TEXT);
    this.#fields = headers;
    return headers;
  }

  get bodyUsed(): boolean {
    return this.#full?.bodyUsed ?? false;
  }

  /** undefined if it was asked for what only Node's own can do. */
  static partsOf(response: Response): ResponseParts | undefined {
    if (!(#full in response)) return undefined;
    const light = response as unknown as LightResponse;
    if (light.#full !== undefined) return undefined;
    const fields = light.#fields;
    return {
      status: light.#status,
      statusText: light.#statusText,
      body: light.#body,
      fields: fields instanceof Headers ? [...fields].flat() : fields,
    };
  }

  static become(light: LightResponse): Response {
    if (light.#full !== undefined) return light.#full;
    const full = new NodeResponse(light.#body, {
      status: light.#status,
      statusText: light.#statusText,
      headers: light.headers,
    });
    light.#full = full;
    return full;
  }
}

delegate(LightResponse, NodeResponse, (light) => LightResponse.become(light));

function headersOf(fields: readonly string[] | Headers): Headers {
  if (fields instanceof Headers) return fields;
  const headers = new Headers();
  for (let i = 0; i < fields.length; i += 2) headers.append(fields[i]!, fields[i + 1]!);
  return headers;
}

/** `text/plain` of a string is not among the fields as long as nobody has looked at them. */
export function fieldsOf({ fields, body }: ResponseParts): Fields {
  if (typeof body !== 'string') return fields;
  for (let i = 0; i < fields.length; i += 2) if (fields[i] === 'content-type') return fields;
  return [...fields, 'content-type', TEXT];
}
