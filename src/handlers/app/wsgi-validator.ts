/**
 * Stands between a server and an application in the shape of WSGI, and reports what either does against PEP 3333: the checks are those of Python's
 * `wsgiref.validate`, in its order, for the types of TypeScript.
 *
 * A violation is thrown where it happens; what need not be wrong is a warning. Request and response are not changed.
 */
import { findFrame, isOwnFile, XgiError } from '../../errors.js';
import { formatKind, formatReceived } from '../../errors/received.js';
import { isThenable } from './thenable.js';
import type {
  Environ,
  StartResponse,
  WsgiApplication,
  WsgiBody,
  WsgiErrors,
  WsgiInput,
} from './wsgi-types.js';

/** Where findings go that are no errors. */
export interface ValidatorOptions {
  /** Gets what need not be wrong, and bodies that were never closed. Default: a warning of the process. */
  readonly warn?: (message: string) => void;
}

/** @returns an application that throws XgiError `XGI_WSGI_INVALID` */
export function validator(application: WsgiApplication, options: ValidatorOptions = {}): WsgiApplication {
  const warn = options.warn ?? ((message) => process.emitWarning(message, 'WsgiWarning'));
  // Its length tells what it is.
  const validated = function validated(environ: Environ, startResponse: StartResponse, ...others: unknown[]) {
    expect(
      environ !== undefined && startResponse !== undefined && others.length === 0,
      'the server calls the application with two arguments: environ and startResponse',
    );
    checkEnviron(environ, warn);
    let started = false;
    const start = (...args: Parameters<StartResponse>): ReturnType<StartResponse> => {
      called(() => checkStart(args, warn));
      started = true;
      const write = startResponse(...args);
      return (data) => {
        called(() =>
          expect(data instanceof Uint8Array, `write takes a Uint8Array; received ${formatReceived(data)}`),
        );
        return write(data);
      };
    };
    environ['wsgi.input'] = new CheckedInput(environ['wsgi.input']);
    environ['wsgi.errors'] = new CheckedErrors(environ['wsgi.errors']);
    const returned = application(environ, start);
    const wrap = (body: WsgiBody): WsgiBody => {
      checkBody(body);
      return new CheckedBody(body, () => started, warn);
    };
    return isThenable<WsgiBody>(returned) ? returned.then(wrap) : wrap(returned);
  };
  return validated;
}

/** What is checked holds, or the violation is thrown. */
function expect(holds: boolean, message: string): asserts holds {
  if (!holds) throw new XgiError('XGI_WSGI_INVALID', message);
}

/** Checks what the application has called something with: a violation names the place of the call. */
function called(check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof XgiError)) throw error;
    const { message, stack = '' } = error;
    // What is between the place and here is ours. What the server has called has no such place: there, it would be one of whoever is in front of it.
    const caller = findFrame(stack, ({ file }) => !isOwnFile(file));
    const place = caller === undefined ? '' : ` (${caller.file}:${caller.line}:${caller.column})`;
    throw new XgiError('XGI_WSGI_INVALID', message + place);
  }
}

const REQUIRED = [
  'REQUEST_METHOD',
  'SERVER_NAME',
  'SERVER_PORT',
  'wsgi.version',
  'wsgi.input',
  'wsgi.errors',
  'wsgi.multithread',
  'wsgi.multiprocess',
  'wsgi.run_once',
];
const METHODS: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'OPTIONS',
  'PATCH',
  'PUT',
  'DELETE',
  'TRACE',
]);

function checkEnviron(environ: Environ, warn: (message: string) => void): void {
  const prototype: unknown =
    typeof environ === 'object' && environ !== null ? Object.getPrototypeOf(environ) : 0;
  expect(
    prototype === Object.prototype || prototype === null,
    `the environ is a plain object; received ${formatKind(environ)}`,
  );
  for (const name of REQUIRED) expect(name in environ, `the environ has no ${name}`);
  for (const name of ['HTTP_CONTENT_TYPE', 'HTTP_CONTENT_LENGTH'])
    expect(!(name in environ), `the environ has ${name}; its name is ${name.slice('HTTP_'.length)}`);
  if (!('QUERY_STRING' in environ)) warn('the environ has no QUERY_STRING; it is "" where there is no query');
  for (const [name, value] of Object.entries(environ)) {
    // With a dot, it is an extension.
    if (!name.includes('.'))
      expect(
        typeof value === 'string',
        `the variable ${name} is a string; received ${formatReceived(value)}`,
      );
  }
  const version: unknown = environ['wsgi.version'];
  expect(
    Array.isArray(version) && version.length === 2 && version.every(Number.isInteger),
    `wsgi.version is two numbers, [1, 0]; received ${formatReceived(version)}`,
  );
  const scheme = environ['wsgi.url_scheme'];
  expect(
    scheme === 'http' || scheme === 'https',
    `wsgi.url_scheme is http or https; received ${formatReceived(scheme)}`,
  );
  checkMethods('wsgi.input', environ['wsgi.input'], ['read', 'readline', 'readlines', Symbol.asyncIterator]);
  checkMethods('wsgi.errors', environ['wsgi.errors'], ['flush', 'write', 'writelines']);
  if (!METHODS.has(environ.REQUEST_METHOD))
    warn(`the method ${formatReceived(environ.REQUEST_METHOD)} is not known`);
  checkPaths(environ);
}

function checkPaths({ SCRIPT_NAME, PATH_INFO, CONTENT_LENGTH }: Partial<Environ>): void {
  expect(
    !SCRIPT_NAME || SCRIPT_NAME.startsWith('/'),
    `SCRIPT_NAME is empty or begins with /; received ${formatReceived(SCRIPT_NAME)}`,
  );
  expect(
    !PATH_INFO || PATH_INFO.startsWith('/'),
    `PATH_INFO is empty or begins with /; received ${formatReceived(PATH_INFO)}`,
  );
  if (CONTENT_LENGTH)
    expect(
      /^\s*\+?[0-9]+\s*$/.test(CONTENT_LENGTH),
      `CONTENT_LENGTH is digits; received ${formatReceived(CONTENT_LENGTH)}`,
    );
  if (!SCRIPT_NAME)
    expect(
      PATH_INFO !== undefined,
      'the environ has neither SCRIPT_NAME nor PATH_INFO; of the root, SCRIPT_NAME is "" and PATH_INFO "/"',
    );
  expect(SCRIPT_NAME !== '/', 'SCRIPT_NAME is "/"; of the root, it is "" and PATH_INFO "/"');
}

function checkMethods(name: string, value: unknown, methods: readonly PropertyKey[]): void {
  for (const method of methods) {
    const found: unknown = (value as Record<PropertyKey, unknown> | null | undefined)?.[method];
    expect(
      typeof found === 'function',
      `${name} has no method ${String(method)}; it is ${formatReceived(value)}`,
    );
  }
}

function checkStart(args: Parameters<StartResponse>, warn: (message: string) => void): void {
  expect(
    args.length === 2 || args.length === 3,
    `startResponse takes two or three arguments; received ${args.length}`,
  );
  const [status, headers, excInfo] = args;
  checkStatus(status, warn);
  checkHeaders(headers);
  checkContentType(status, headers);
  checkExcInfo(excInfo);
}

function checkStatus(status: unknown, warn: (message: string) => void): asserts status is string {
  expect(typeof status === 'string', `the status is a string, "200 OK"; received ${formatReceived(status)}`);
  const code = codeOf(status);
  expect(code.length === 3, `the status begins with three digits; received ${formatReceived(status)}`);
  expect(/^[0-9]{3}$/.test(code), `the status begins with a number; received ${formatReceived(status)}`);
  expect(Number(code) >= 100, `the status is 100 or more; received ${formatReceived(status)}`);
  if (status[3] !== ' ')
    warn(`the status is three digits, a space and a reason, "200 OK"; received ${formatReceived(status)}`);
}

function codeOf(status: string): string {
  return status.trimStart().split(/\s/, 1)[0]!;
}

const NAME = /^[a-zA-Z][a-zA-Z0-9\-_]*$/;
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\x00-\x1f]/;

function checkHeaders(headers: unknown): asserts headers is [string, string][] {
  expect(Array.isArray(headers), `the headers are an array; received ${formatReceived(headers)}`);
  for (const header of headers as unknown[]) {
    expect(Array.isArray(header), `a header is an array, [name, value]; received ${formatReceived(header)}`);
    expect(header.length === 2, `a header has a name and a value; received ${formatReceived(header)}`);
    const [name, value] = header as unknown[];
    expect(typeof name === 'string', `the name of a header is a string; received ${formatReceived(name)}`);
    expect(typeof value === 'string', `the value of ${name} is a string; received ${formatReceived(value)}`);
    expect(
      name.toLowerCase() !== 'status',
      `the header Status is for CGI programs; here the status is the first argument (value: ${formatReceived(value)})`,
    );
    expect(
      !/[\n:]/.test(name),
      `the name of a header has no colon and no line feed; received ${formatReceived(name)}`,
    );
    expect(
      NAME.test(name),
      `the name of a header is letters, digits, - and _; received ${formatReceived(name)}`,
    );
    expect(
      !/[-_]$/.test(name),
      `the name of a header does not end in - or _; received ${formatReceived(name)}`,
    );
    expect(!CONTROL.test(value), `the value of ${name} has a control character: ${formatReceived(value)}`);
  }
}

const NO_CONTENT = ['204', '304'];

function checkContentType(status: string, headers: readonly (readonly [string, string])[]): void {
  const code = codeOf(status);
  const hasType = headers.some(([name]) => name.toLowerCase() === 'content-type');
  if (NO_CONTENT.includes(code))
    expect(!hasType, `a response with status ${code} has no content, and no Content-Type`);
  else expect(hasType, `the headers have no Content-Type; received ${formatReceived(headers)}`);
}

function checkExcInfo(excInfo: unknown): void {
  expect(
    excInfo === undefined || excInfo === null || excInfo instanceof Error,
    `excInfo is an Error, or null; received ${formatReceived(excInfo)}`,
  );
}

function checkBody(body: unknown): asserts body is WsgiBody {
  expect(
    body !== undefined && body !== null && body !== false,
    'the application returned nothing; it returns an iterable, if only an empty array',
  );
  expect(
    typeof body !== 'string' && !(body instanceof Uint8Array),
    'the application returned a string or bytes, which would be sent one by one; it returns [bytes]',
  );
  expect(
    typeof body === 'object' && (Symbol.iterator in body || Symbol.asyncIterator in body),
    `the application returns an iterable of Uint8Array; received ${formatReceived(body)}`,
  );
}

class CheckedInput implements WsgiInput {
  readonly #input: WsgiInput;

  constructor(input: WsgiInput) {
    this.#input = input;
  }

  async read(...args: [size?: number]): Promise<Uint8Array> {
    called(() => expect(args.length === 1, `wsgi.input.read takes one argument; received ${args.length}`));
    return checkBytes('read', await this.#input.read(...args));
  }

  async readline(...args: [size?: number]): Promise<Uint8Array> {
    called(() =>
      expect(args.length <= 1, `wsgi.input.readline takes one argument at the most; received ${args.length}`),
    );
    return checkBytes('readline', await this.#input.readline(...args));
  }

  async readlines(...args: [hint?: number]): Promise<Uint8Array[]> {
    called(() =>
      expect(
        args.length <= 1,
        `wsgi.input.readlines takes one argument at the most; received ${args.length}`,
      ),
    );
    const lines: unknown = await this.#input.readlines(...args);
    expect(Array.isArray(lines), `wsgi.input.readlines gives an array; it gave ${formatReceived(lines)}`);
    return lines.map((line) => checkBytes('readlines', line));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    for (;;) {
      const line = await this.readline();
      if (line.length === 0) return;
      yield line;
    }
  }

  close(): void {
    called(() => expect(false, 'wsgi.input is the server’s to close'));
  }
}

function checkBytes(method: string, value: unknown): Uint8Array {
  expect(
    value instanceof Uint8Array,
    `wsgi.input.${method} gives a Uint8Array; it gave ${formatReceived(value)}`,
  );
  return value;
}

class CheckedErrors implements WsgiErrors {
  readonly #errors: WsgiErrors;

  constructor(errors: WsgiErrors) {
    this.#errors = errors;
  }

  write(text: string): void {
    called(() =>
      expect(typeof text === 'string', `wsgi.errors.write takes a string; received ${formatReceived(text)}`),
    );
    this.#errors.write(text);
  }

  flush(): void {
    this.#errors.flush();
  }

  writelines(lines: Iterable<string>): void {
    for (const line of lines) this.write(line);
  }

  close(): void {
    called(() => expect(false, 'wsgi.errors is the server’s to close'));
  }
}

/** Whether a body was closed, for when it is collected. */
interface Closing {
  isClosed: boolean;
  readonly warn: (message: string) => void;
}

const forgotten = new FinalizationRegistry<Closing>(({ isClosed, warn }) => {
  if (!isClosed) warn('a response body was collected without having been closed: the server calls close()');
});

class CheckedBody implements AsyncIterable<Uint8Array> {
  readonly #body: WsgiBody;
  readonly #hasStarted: () => boolean;
  readonly #closing: Closing;

  constructor(body: WsgiBody, hasStarted: () => boolean, warn: (message: string) => void) {
    this.#body = body;
    this.#hasStarted = hasStarted;
    this.#closing = { isClosed: false, warn };
    forgotten.register(this, this.#closing);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    this.#checkOpen();
    for await (const chunk of this.#body) {
      this.#checkOpen();
      expect(chunk instanceof Uint8Array, `the body gives Uint8Array; it gave ${formatReceived(chunk)}`);
      expect(this.#hasStarted(), 'the body gives its first piece, and startResponse was not called yet');
      yield chunk;
    }
  }

  async close(): Promise<void> {
    this.#closing.isClosed = true;
    await this.#body.close?.();
  }

  #checkOpen(): void {
    expect(!this.#closing.isClosed, 'the body is read after it was closed');
  }
}
