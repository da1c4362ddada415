/**
 * A handler as an application in the shape of WSGI, so that middleware of that shape can be put around it.
 *
 * What the middleware has changed in the environ, or taken away, the handler sees: method, path, query, fields with Host, body, user, the client's
 * address, and further variables. What it has not changed stays as the client sent it, to the letter; so do, whatever it does, the scheme,
 * the target as it came (REQUEST_URI), the protocol and the server's address (SERVER_*).
 */
import { STATUS_CODES } from 'node:http';
import { disposeBody } from '../../bodies/dispose-body.js';
import { ownResponseChunks } from '../../bodies/response-chunks.js';
import { GatewayError } from '../../errors.js';
import { decodePath } from '../../gateway/decode-path.js';
import { addWsgiEnviron } from '../../gateway/environ.js';
import { isAuthority } from '../../http/authority.js';
import { deriveRequest, type RequestChanges } from '../../http/derived-request.js';
import { fieldsWhere, withoutFields } from '../../http/field-values.js';
import type {
  BodyConsumer,
  Fields,
  GatewayRequest,
  Handler,
  Identity,
  RequestBody,
  ResponseBody,
} from '../../types.js';
import { BodyInput } from './wsgi-input.js';
import type { Environ, WsgiApplication, WsgiBody, WsgiInput } from './wsgi-types.js';

/** What the handler throws passes through the middleware. The environ is one of {@link fromWsgi}, or has its `xgi.request`. */
export function toWsgi(handler: Handler): WsgiApplication {
  return async (environ, startResponse) => {
    const { head, body } = await handler(requestOf(environ));
    const reason = head.reason || STATUS_CODES[head.status] || 'Unknown';
    startResponse(`${head.status} ${reason}`, pairs(head.fields));
    return bodyOf(body);
  };
}

/** @throws TypeError for an environ without its request */
function requestOf(environ: Environ): GatewayRequest {
  const request = environ['xgi.request'];
  if (request === undefined)
    throw new TypeError(
      'the environ has no xgi.request: toWsgi goes behind fromWsgi, and middleware leaves it there',
    );
  const before = addWsgiEnviron<Record<string, unknown>>(request, -1, {});
  const changes: { -readonly [Name in keyof RequestChanges]: RequestChanges[Name] } = {
    method: environ.REQUEST_METHOD,
    mount: pathOf(environ.SCRIPT_NAME, request.mount),
    path: pathOf(environ.PATH_INFO, request.path),
    query: environ.QUERY_STRING ?? '',
    fields: fieldsOf(environ, before, request.fields),
    variables: variablesOf(environ, before, request.variables),
  };
  const input = environ['wsgi.input'];
  if (!(input instanceof BodyInput) || input.isTouched) changes.body = inputBody(input, environ);
  const isChanged = (name: string): boolean => environ[name] !== before[name];
  const { HTTP_HOST: host, REMOTE_ADDR: address, REMOTE_PORT: port } = environ;
  if (isChanged('REMOTE_USER') || isChanged('AUTH_TYPE')) changes.identity = identityOf(environ);
  if (isChanged('HTTP_HOST') && typeof host === 'string') changes.authority = checkHost(host);
  if (isChanged('REMOTE_ADDR') && typeof address === 'string') changes.clientAddress = address;
  if (isChanged('REMOTE_PORT') && typeof port === 'string') changes.clientPort = Number(port) || 0;
  return deriveRequest(request, changes);
}

/** An authentication that is taken away, or made empty, is none. */
function identityOf({ REMOTE_USER: user, AUTH_TYPE: scheme }: Environ): Identity | null {
  if (typeof user !== 'string' || user === '') return null;
  return { scheme: typeof scheme === 'string' ? scheme : '', user };
}

/** @throws GatewayError 400 `XGI_HTTP_HOST`: middleware may have it from a field of the client's */
function checkHost(host: string): string {
  if (isAuthority(host)) return host;
  throw new GatewayError(400, 'XGI_HTTP_HOST', 'HTTP_HOST, as middleware has set it, is not host[:port]');
}

/** Encoded as it came, if it is the same; else what no path holds is encoded. */
function pathOf(variable: string | undefined, before: string): string {
  const decoded = variable ?? '';
  if (decodePath(before) === decoded) return before;
  return decoded.replaceAll(
    /[^A-Za-z0-9\-._~!$&'()*+,;=:@/]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

type Before = Readonly<Record<string, unknown>>;

/** Those that the client sent, without those whose variable is gone, and with those whose variable is new or another. */
function fieldsOf(environ: Environ, before: Before, sent: Fields): Fields {
  const now = Object.keys(environ).filter((name) => isField(name) && typeof environ[name] === 'string');
  const changed = now.filter((name) => environ[name] !== before[name]);
  const gone = Object.keys(before).filter((name) => isField(name) && environ[name] === undefined);
  if (changed.length === 0 && gone.length === 0) return sent;
  const dropped = new Set([...changed, ...gone].map((name) => fieldName(name).toLowerCase()));
  const fields = [...withoutFields(sent, dropped)];
  for (const name of changed) fields.push(fieldName(name), environ[name] as string);
  return fields;
}

function isField(variable: string): boolean {
  return variable.startsWith('HTTP_') || variable === 'CONTENT_TYPE';
}

function fieldName(variable: string): string {
  const words = variable.replace(/^HTTP_/, '').split('_');
  return words.map((word) => word.charAt(0) + word.slice(1).toLowerCase()).join('-');
}

/** Of the request, and told in other ways. */
const OWN: ReadonlySet<string> = new Set(['SCRIPT_NAME', 'CONTENT_LENGTH', 'REMOTE_USER', 'AUTH_TYPE']);

/** Those that were told, without those that are gone, and with strings that are new or others. */
function variablesOf(environ: Environ, before: Before, told: Fields): Fields {
  const isSame = (name: string): boolean => environ[name] === before[name];
  const kept = fieldsWhere(told, isSame);
  const names = new Set(told.filter((_, i) => i % 2 === 0));
  const isFurther = (name: string): boolean =>
    !isField(name) && !OWN.has(name) && !name.startsWith('wsgi.') && (!(name in before) || names.has(name));
  for (const [name, value] of Object.entries(environ))
    if (typeof value === 'string' && !isSame(name) && isFurther(name)) kept.push(name, value);
  return kept;
}

/** A body that middleware stands before, or has read from. */
function inputBody(input: WsgiInput, { CONTENT_LENGTH }: Environ): RequestBody | null {
  if (CONTENT_LENGTH === '0') return null;
  return new InputBody(input, CONTENT_LENGTH === undefined ? -1 : Number(CONTENT_LENGTH));
}

const PART_BYTES = 65_536;

class InputBody implements RequestBody {
  readonly length: number;
  readonly #input: WsgiInput;
  #resumed: Promise<void> | undefined;
  #resume: () => void = () => {};

  constructor(input: WsgiInput, length: number) {
    this.#input = input;
    this.length = length;
  }

  consume(consumer: BodyConsumer): void {
    void this.#run(consumer).catch((error: unknown) => consumer.error(error as Error));
  }

  pause(): void {
    this.#resumed ??= new Promise((resolve) => {
      this.#resume = resolve;
    });
  }

  resume(): void {
    this.#resumed = undefined;
    this.#resume();
  }

  async #run(consumer: BodyConsumer): Promise<void> {
    for (;;) {
      await this.#resumed;
      const part = await this.#input.read(PART_BYTES);
      if (part.length === 0) break;
      consumer.data(Buffer.from(part.buffer, part.byteOffset, part.byteLength));
    }
    consumer.end();
  }
}

function pairs(fields: Fields): [string, string][] {
  const headers: [string, string][] = [];
  for (let i = 0; i < fields.length; i += 2) headers.push([fields[i]!, fields[i + 1]!]);
  return headers;
}

function bodyOf(body: ResponseBody): WsgiBody {
  if (body.kind === 'empty') return [];
  if (body.kind === 'bytes' && body.taken === undefined)
    return [typeof body.bytes === 'string' ? Buffer.from(body.bytes, 'latin1') : body.bytes];
  return new ChunkBody(body);
}

class ChunkBody implements AsyncIterable<Uint8Array> {
  readonly #body: ResponseBody;
  #state: 'fresh' | 'waiting' | 'reading' = 'fresh';

  constructor(body: ResponseBody) {
    this.#body = body;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    const chunks = ownResponseChunks(this.#body);
    try {
      for (;;) {
        this.#state = 'waiting';
        const { value } = await chunks.next();
        this.#state = 'reading';
        if (value === undefined) return;
        yield value;
      }
    } finally {
      this.#state = 'reading';
      await chunks.return();
    }
  }

  /** What nobody has begun to read, or what is waited for and may never come, is let go of. */
  close(): void {
    const mayNeverCome = this.#state === 'waiting' && this.#body.kind === 'stream';
    if (this.#state === 'fresh' || mayNeverCome) disposeBody(this.#body);
    this.#state = 'reading';
  }
}
