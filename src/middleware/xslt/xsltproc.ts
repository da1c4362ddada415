/** Runs xsltproc, the program of libxslt, on one document: without the network, without writing, and in bounded time and memory. */
import { spawn, spawnSync } from 'node:child_process';
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
export function runXsltproc(xml: Buffer, options: XsltprocOptions, signal: AbortSignal): Promise<Buffer> {
  const { stylesheet, parameters, maxBytes, timeoutMs } = options;
  const given = Object.entries(parameters).flatMap(([name, value]) => ['--param', name, xpathText(value)]);
  const args = argumentsOf(options, [...given, stylesheet, '-']);
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', args, { cwd: path.dirname(stylesheet), env: ENV, stdio: 'pipe' });
    const out: Buffer[] = [];
    let outBytes = 0;
    let said = '';
    let failure: GatewayError | undefined;
    const end = (error: GatewayError): void => {
      failure ??= error;
      child.kill('SIGKILL');
    };
    const timer = setTimeout(() => {
      end(new GatewayError(504, 'XGI_XSLT_TIMEOUT', `the stylesheet took longer than ${timeoutMs / 1000} s`));
    }, timeoutMs);
    const gone = (): void => end(new GatewayError(503, 'XGI_XSLT_FAILED', 'the client has gone'));
    signal.addEventListener('abort', gone, { once: true });
    if (signal.aborted) gone();
    child.stdout.on('data', (chunk: Buffer) => {
      outBytes += chunk.length;
      if (outBytes > maxBytes)
        end(new GatewayError(502, 'XGI_XSLT_SIZE', `the stylesheet made more than ${maxBytes} bytes`));
      else out.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      if (said.length < MAX_ERROR_BYTES) said += chunk.toString();
    });
    // It may end before it has read all.
    child.stdin.on('error', () => {});
    child.on('error', (error) => {
      failure ??= new GatewayError(502, 'XGI_XSLT_FAILED', `xsltproc cannot be started: ${error.message}`);
    });
    child.on('close', (code, killed) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', gone);
      if (failure !== undefined) reject(failure);
      else if (code === 0) resolve(Buffer.concat(out));
      else
        reject(
          new GatewayError(502, 'XGI_XSLT_FAILED', `xsltproc ended with ${killed ?? `status ${code}`}`, {
            detail: said.slice(0, MAX_ERROR_BYTES),
          }),
        );
    });
    child.stdin.end(xml);
  });
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
