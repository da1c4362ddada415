/** Runs xsltproc, the program of libxslt, on one document: without the network, without writing, and in bounded time and memory. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { ConfigError, GatewayError } from '../../errors.js';

export interface XsltprocOptions {
  readonly program: string;
  readonly stylesheet: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly maxBytes: number;
  readonly timeoutMs: number;
  readonly memoryBytes: number;
}

/** The first argument is memory in KiB, the second processor time in seconds. */
const LIMITED = 'ulimit -v "$1"; ulimit -t "$2"; ulimit -c 0; shift 2; exec "$@"';
const FLAGS = ['--nonet', '--novalid', '--nodtdattr', '--nowrite', '--nomkdir'];
/** No catalogs: they would say where else files are. */
const ENV = { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8', XML_CATALOG_FILES: '' };
const MAX_ERROR_BYTES = 4096;

/** @throws ConfigError `XGI_XSLT_PROGRAM` */
export function findXsltproc(where: string): string {
  for (const folder of (process.env['PATH'] ?? '').split(path.delimiter)) {
    const program = path.join(folder, 'xsltproc');
    try {
      accessSync(program, constants.X_OK);
      return program;
    } catch {
      // The next one.
    }
  }
  throw new ConfigError('XGI_XSLT_PROGRAM', `${where}: xsltproc is not installed; run apt install xsltproc`);
}

/**
 * Has it read its stylesheet, and no XML.
 *
 * @param name as a message names the option @throws ConfigError `XGI_XSLT_STYLESHEET` if it cannot
 */
export function checkStylesheet(options: XsltprocOptions, name: string): void {
  const { stylesheet, timeoutMs } = options;
  const file = path.basename(stylesheet);
  const { status, stderr, error } = spawnSync('/bin/sh', argumentsOf(options, [`./${file}`]), {
    cwd: path.dirname(stylesheet),
    env: ENV,
    encoding: 'utf8',
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  if (status === 0) return;
  const said = stderr.trim().slice(0, MAX_ERROR_BYTES);
  const why = said.split('\n')[0] || (error?.message ?? `it ended with status ${status}`);
  throw new ConfigError('XGI_XSLT_STYLESHEET', `${name}: xsltproc cannot use ${file}: ${why}`, {
    detail: said,
  });
}

/**
 * @param signal the client has gone
 * @throws GatewayError 502 `XGI_XSLT_FAILED`, `XGI_XSLT_SIZE`; 504 `XGI_XSLT_TIMEOUT`
 */
export async function runXsltproc(
  xml: Buffer,
  options: XsltprocOptions,
  signal: AbortSignal,
): Promise<Buffer> {
  const run = new Run(options);
  const late = setTimeout(() => run.end(tookTooLong(options)), options.timeoutMs);
  const gone = (): void => run.end(new GatewayError(503, 'XGI_XSLT_FAILED', 'the client has gone'));
  signal.addEventListener('abort', gone, { once: true });
  if (signal.aborted) gone();
  try {
    return await run.transform(xml);
  } finally {
    clearTimeout(late);
    signal.removeEventListener('abort', gone);
  }
}

class Run {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #maxBytes: number;
  readonly #out: Buffer[] = [];
  #outBytes = 0;
  #said = '';
  #failure: GatewayError | undefined;

  constructor(options: XsltprocOptions) {
    this.#maxBytes = options.maxBytes;
    this.#child = start(options);
    // Without a descriptor left there are no pipes, and an 'error' is all that comes.
    this.#child.stdout?.on('data', (chunk: Buffer) => this.#collect(chunk));
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      if (this.#said.length < MAX_ERROR_BYTES) this.#said += chunk.toString();
    });
    // It may end before it has read all.
    this.#child.stdin?.on('error', () => {});
  }

  transform(xml: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#child.on('error', ({ message }) => {
        this.#failure ??= failed(`xsltproc cannot be started: ${message}`);
        if (this.#child.pid === undefined) reject(this.#failure);
      });
      this.#child.on('close', (code, killed) => {
        this.#failure ??= this.#failureOf(code, killed);
        if (this.#failure === undefined) resolve(Buffer.concat(this.#out));
        else reject(this.#failure);
      });
      this.#child.stdin?.end(xml);
    });
  }

  /** Before it has ended itself; the first reason is the one that is told. */
  end(reason: GatewayError): void {
    this.#failure ??= reason;
    this.#child.kill('SIGKILL');
  }

  #collect(chunk: Buffer): void {
    this.#outBytes += chunk.length;
    if (this.#outBytes <= this.#maxBytes) this.#out.push(chunk);
    else
      this.end(
        new GatewayError(502, 'XGI_XSLT_SIZE', `the stylesheet made more than ${this.#maxBytes} bytes`),
      );
  }

  #failureOf(code: number | null, killed: NodeJS.Signals | null): GatewayError | undefined {
    if (code === 0) return undefined;
    return failed(`xsltproc ended with ${killed ?? `status ${code}`}`, this.#said.slice(0, MAX_ERROR_BYTES));
  }
}

function start(options: XsltprocOptions): ChildProcessWithoutNullStreams {
  const { stylesheet, parameters } = options;
  const given = Object.entries(parameters).flatMap(([name, value]) => ['--param', name, xpathText(value)]);
  const args = argumentsOf(options, [...given, stylesheet, '-']);
  return spawn('/bin/sh', args, { cwd: path.dirname(stylesheet), env: ENV, stdio: 'pipe' });
}

function tookTooLong({ timeoutMs }: XsltprocOptions): GatewayError {
  return new GatewayError(504, 'XGI_XSLT_TIMEOUT', `the stylesheet took longer than ${timeoutMs / 1000} s`);
}

function failed(message: string, detail?: string): GatewayError {
  return new GatewayError(502, 'XGI_XSLT_FAILED', message, detail === undefined ? {} : { detail });
}

/** Of the shell that runs it. */
function argumentsOf(
  { program, timeoutMs, memoryBytes }: XsltprocOptions,
  rest: readonly string[],
): string[] {
  const limits = [String(Math.floor(memoryBytes / 1024)), String(Math.ceil(timeoutMs / 1000))];
  return ['-c', LIMITED, 'sh', ...limits, program, ...FLAGS, ...rest];
}

/** An XPath expression of that text: XPath has no escapes. */
function xpathText(value: string): string {
  if (!value.includes("'")) return `'${value}'`;
  const parts = value.split("'").map((part) => `'${part}'`);
  return `concat(${parts.join(`, "'", `)})`;
}
