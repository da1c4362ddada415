/**
 * A handler as an application in the shape of WSGI, so that middleware of that shape can be put around it.
 *
 * What the middleware has changed in the environ, the handler sees: method, path, query, fields, body, user, and further variables. What it has
 * not changed stays as the client sent it, to the letter.
 */
import { STATUS_CODES } from 'node:http';
import { responseChunks } from '../../bodies/response-chunks.js';
import { decodePath } from '../../gateway/decode-path.js';
import { addVariables } from '../../gateway/environ-record.js';
import { wsgiEnviron } from '../../gateway/environ.js';
import { fieldVariables } from '../../gateway/field-variables.js';
import { deriveRequest, type RequestChanges } from '../../http/derived-request.js';
import type {
  BodyConsumer,
  Fields,
  GatewayRequest,
  Handler,
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
  const before = addVariables<Record<string, unknown>>(wsgiEnviron(request, -1), {});
  const mount = pathOf(environ.SCRIPT_NAME, request.mount);
  const changes: { -readonly [Name in keyof RequestChanges]: RequestChanges[Name] } = {
    method: environ.REQUEST_METHOD,
    mount,
    path: pathOf(environ.PATH_INFO, request.path),
    query: environ.QUERY_STRING ?? '',
    fields: fieldsOf(environ, request.fields),
    variables: [...request.variables, ...furtherVariables(environ, before)],
  };
  const input = environ['wsgi.input'];
  if (!(input instanceof BodyInput) || input.isTouched) changes.body = inputBody(input, environ);
  const user = environ['REMOTE_USER'];
  if (typeof user === 'string' && user !== request.identity?.user)
    changes.identity = { scheme: String(environ['AUTH_TYPE'] ?? ''), user };
  return deriveRequest(request, changes);
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

/** Those that the client sent, without those whose variable is gone, and with those whose variable is new or another. */
function fieldsOf(environ: Environ, before: Fields): Fields {
  const old = addVariables<Record<string, unknown>>(fieldVariables(before), {});
  const isField = (name: string): boolean => name.startsWith('HTTP_') || name === 'CONTENT_TYPE';
  const now = Object.keys(environ).filter((name) => isField(name) && typeof environ[name] === 'string');
  const changed = now.filter((name) => environ[name] !== old[name]);
  const gone = Object.keys(old).filter((name) => environ[name] === undefined);
  if (changed.length === 0 && gone.length === 0) return before;
  const dropped = new Set([...changed, ...gone].map((name) => fieldName(name).toLowerCase()));
  const fields: string[] = [];
  for (let i = 0; i < before.length; i += 2)
    if (!dropped.has(before[i]!.toLowerCase())) fields.push(before[i]!, before[i + 1]!);
  for (const name of changed) fields.push(fieldName(name), environ[name] as string);
  return fields;
}

function fieldName(variable: string): string {
  const words = variable.replace(/^HTTP_/, '').split('_');
  return words.map((word) => word.charAt(0) + word.slice(1).toLowerCase()).join('-');
}

const OWN: ReadonlySet<string> = new Set([
  'SCRIPT_NAME',
  'CONTENT_LENGTH',
  'CONTENT_TYPE',
  'REMOTE_USER',
  'AUTH_TYPE',
]);

/** Strings that the middleware has added. */
function furtherVariables(environ: Environ, before: Readonly<Record<string, unknown>>): Fields {
  const names = Object.keys(environ).filter(
    (name) =>
      typeof environ[name] === 'string' &&
      !(name in before) &&
      !OWN.has(name) &&
      !name.startsWith('HTTP_') &&
      !name.startsWith('wsgi.'),
  );
  return names.flatMap((name) => [name, environ[name] as string]);
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

/** Each chunk a copy, for their memory is given back when the next is asked for. */
class ChunkBody implements AsyncIterable<Uint8Array> {
  readonly #body: ResponseBody;
  #state: 'fresh' | 'waiting' | 'reading' = 'fresh';

  constructor(body: ResponseBody) {
    this.#body = body;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    const chunks = responseChunks(this.#body);
    try {
      for (;;) {
        this.#state = 'waiting';
        const { value } = await chunks.next();
        this.#state = 'reading';
        if (value === undefined) return;
        yield Buffer.from(value);
      }
    } finally {
      this.#state = 'reading';
      await chunks.return();
    }
  }

  /** What nobody has begun to read, or what is waited for and may never come, is let go of. */
  async close(): Promise<void> {
    const body = this.#body;
    if (body.kind === 'stream' && this.#state !== 'reading') body.source.cancel();
    else if (body.kind === 'file' && this.#state === 'fresh') await body.file.handle.close();
    this.#state = 'reading';
  }
}
