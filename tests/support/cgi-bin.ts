/** A private folder of CGI programs, served by the built command line; and curl, as a person uses it. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { run } from './process.js';
import { makeTempDir, removeTempDir } from './temp-dir.js';
import { startXgi, type XgiServer } from './xgi.js';

export class CgiBin {
  readonly directory = makeTempDir();
  /** What is served. */
  readonly programs = path.join(this.directory, 'cgi-bin');
  #server: XgiServer | undefined;

  constructor() {
    mkdirSync(this.programs);
  }

  /** The absolute path of a file beside the folder of programs. */
  file(name: string): string {
    return path.join(this.directory, name);
  }

  /** Writes an executable file, and returns its path. */
  program(name: string, text: string): string {
    const file = this.data(name, text);
    chmodSync(file, 0o755);
    return file;
  }

  /** Writes a file that is no program into the folder of programs. */
  data(name: string, text: string): string {
    const file = path.join(this.programs, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  /** Serves the folder, or one program, with these flags. */
  async serve(flags: readonly string[] = [], target = this.programs): Promise<XgiServer> {
    // Not in the folder of the sources: a program that leaves files in its working directory leaves them here.
    this.#server = await startXgi(['cgi', target, ...flags], { cwd: this.directory });
    return this.#server;
  }

  /** Ends the server and removes all files. */
  async close(): Promise<void> {
    await this.#server?.stop();
    removeTempDir(this.directory);
  }
}

export interface CurlAnswer {
  readonly status: number;
  /** What follows the status. */
  readonly reason: string;
  readonly headers: Headers;
  readonly bytes: Buffer;
  readonly text: string;
}

/**
 * Runs curl, and reads its last answer: with `--location` that is the one behind the redirects.
 *
 * @throws if curl fails, which a status of 400 and above is not
 */
export async function curl(...args: readonly string[]): Promise<CurlAnswer> {
  const { code, stderr, stdoutBytes } = await run('curl', [
    '-sS',
    '-i',
    '--noproxy',
    '*',
    '--max-time',
    '30',
    ...args,
  ]);
  if (code !== 0) throw new Error(`curl ended with status ${code}: ${stderr}`);
  let rest = stdoutBytes;
  for (;;) {
    const end = rest.indexOf('\r\n\r\n');
    const [statusLine = '', ...lines] = rest.toString('latin1', 0, end).split('\r\n');
    const match = /^HTTP\/1\.1 (?<status>\d{3}) ?(?<reason>.*)$/.exec(statusLine);
    if (end === -1 || match === null) throw new Error(`no response head: ${JSON.stringify(statusLine)}`);
    rest = rest.subarray(end + 4);
    // Heads of interim answers and of redirects that were followed come before.
    if (/^HTTP\/1\.1 \d{3} /.test(rest.toString('latin1', 0, 13))) continue;
    const headers = new Headers(
      lines.map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon), line.slice(colon + 1).trim()] as [string, string];
      }),
    );
    return {
      status: Number(match.groups!['status']),
      reason: match.groups!['reason']!,
      headers,
      bytes: rest,
      text: rest.toString('utf8'),
    };
  }
}
