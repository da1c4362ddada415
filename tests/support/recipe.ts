/**
 * A page of docs/guide/cookbook, taken at its word: its files are written, xgi is started among them, and its commands are run.
 *
 *     **`hooks/deploy`**          the name of the file that the next fence holds; text may follow
 *
 *     ```console
 *     $ curl -i …                 is run by a shell, where the files are
 *     HTTP/1.1 200 OK             is in what it prints, in this order; `…` stands for anything
 *     ```
 */
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cliMain, repository } from './paths.js';
import { run } from './process.js';
import { makeTempDir, removeTempDir } from './temp-dir.js';
import { testPython } from './test-env.js';
import { killAllIn, runXgi, startXgi, type XgiServer } from './xgi.js';

export const COOKBOOK = path.join(repository, 'docs/guide/cookbook');

/** Where xgi listens if nobody says otherwise. */
const ORIGIN = 'http://127.0.0.1:8000';
const FENCE = /^(?:\*\*`(?<file>[^`\n]+)`\*\*[^\n]*\n\n)?```(?<language>[a-z]*)\n(?<text>.*?)^```$/gms;

export interface RecipeOptions {
  /** What the page says → what it is in the test: addresses of others, a minute that would be too long. In files, commands and their answers. */
  readonly instead?: Readonly<Record<string, string>>;
  /** For xgi and for the commands. */
  readonly env?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
}

interface Command {
  readonly text: string;
  readonly printed: readonly string[];
}

export class Recipe {
  readonly directory = makeTempDir();
  readonly env: Record<string, string>;
  readonly #text: string;
  readonly #options: RecipeOptions;
  #server: XgiServer | undefined;

  constructor(name: string, options: RecipeOptions = {}) {
    this.#options = options;
    let text = readFileSync(path.join(COOKBOOK, `${name}.md`), 'utf8');
    for (const [said, meant] of Object.entries(options.instead ?? {})) {
      if (!text.includes(said)) throw new Error(`${name}.md does not say ${said}`);
      text = text.replaceAll(said, meant);
    }
    this.#text = text;
    for (const { file, content } of this.#fences()) if (file !== undefined) this.write(file, content);
    // As who has made a virtual environment there.
    symlinkSync(path.resolve(testPython(), '../..'), this.file('.venv'));
    const bin = makeTempDir();
    writeFileSync(path.join(bin, 'xgi'), `#!/bin/sh\nexec '${process.execPath}' '${cliMain}' "$@"\n`, {
      mode: 0o755,
    });
    this.env = { PATH: `${bin}:${process.env['PATH']}`, PYTHONDONTWRITEBYTECODE: '1', ...options.env };
  }

  get server(): XgiServer {
    if (this.#server === undefined) throw new Error('not started');
    return this.#server;
  }

  file(name: string): string {
    return path.join(this.directory, name);
  }

  read(name: string): string {
    return readFileSync(this.file(name), 'utf8');
  }

  write(name: string, content: string): void {
    mkdirSync(path.dirname(this.file(name)), { recursive: true });
    writeFileSync(this.file(name), content);
    if (content.startsWith('#!')) chmodSync(this.file(name), 0o755);
  }

  /** What `xgi check` says of it. */
  async check(): Promise<{ code: number | null; stderr: string }> {
    const asRoot = process.getuid?.() === 0 ? ['--allow-root'] : [];
    const { code, stderr } = await runXgi(['check', ...asRoot, ...this.#flags], {
      cwd: this.directory,
      env: this.env,
    });
    return { code, stderr };
  }

  async start(): Promise<XgiServer> {
    this.#server = await startXgi(this.#flags, { cwd: this.directory, env: this.env });
    return this.#server;
  }

  /** Runs the commands of the page, one after the other. @throws Error for one that prints something else than the page says */
  async follow(): Promise<void> {
    const here = (text: string): string => text.replaceAll(ORIGIN, this.server.origin);
    const commands = this.#fences()
      .filter(({ language }) => language === 'console')
      .flatMap(({ content }) => readCommands(here(content)));
    if (commands.length === 0) throw new Error('the page shows no command');
    for (const { text, printed } of commands) {
      const { stdout } = await run('bash', ['-c', `exec 2>&1; ${text}`], {
        cwd: this.directory,
        env: this.env,
      });
      const missing = findMissing(stdout, printed);
      if (missing !== undefined)
        throw new Error(`${text}\nexpected: ${missing}\nprinted:\n${stdout}\nlog:\n${this.server.output}`);
    }
  }

  async close(): Promise<void> {
    await this.#server?.stop();
    killAllIn(this.directory);
    removeTempDir(this.directory);
  }

  get #flags(): readonly string[] {
    return ['-b', '127.0.0.1:0', ...(this.#options.flags ?? [])];
  }

  #fences(): { file: string | undefined; language: string; content: string }[] {
    return [...this.#text.matchAll(FENCE)].map(({ groups }) => ({
      file: groups!['file'],
      language: groups!['language']!,
      content: groups!['text']!,
    }));
  }
}

/** A command goes on behind a line that ends in a backslash. @throws Error for one of which nothing is expected */
function readCommands(content: string): Command[] {
  const [before, ...parts] = content.split(/^\$ /m);
  if (before !== '') throw new Error(`expected a line that begins with $, found: ${before}`);
  return parts.map((part) => {
    const text = /^(?:[^\n]*\\\n)*[^\n]*/.exec(part)![0];
    const printed = part
      .slice(text.length)
      .split('\n')
      .filter((line) => line !== '' && line !== '…');
    if (printed.length === 0) throw new Error(`the page does not say what this prints: ${text}`);
    return { text, printed };
  });
}

/** The first of the lines that is not in the text, behind those before it. */
function findMissing(text: string, lines: readonly string[]): string | undefined {
  const left = text.split('\n').map((line) => line.trimEnd());
  return lines.find((line) => {
    const pattern = new RegExp(`^${line.split('…').map(escapePattern).join('.*')}$`);
    const at = left.findIndex((printed) => pattern.test(printed));
    left.splice(0, at + 1);
    return at === -1;
  });
}

function escapePattern(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
