/** The command line of `npm run bench`, as typed: the command, and flags whose values are still text. */
import { parseArgs } from 'node:util';

export const wsgiCommandNames = ['wsgi', 'tls', 'middleware', 'idle', 'large', 'slow-heads'] as const;
export type WsgiCommandName = (typeof wsgiCommandNames)[number];

export const cgiCommandNames = ['cgi', 'cgi-delay', 'cgi-git'] as const;
export type CgiCommandName = (typeof cgiCommandNames)[number];

export const webCommandNames = ['static', 'h2', 'routes', 'app', 'compression', 'cache'] as const;
export type WebCommandName = (typeof webCommandNames)[number];

type CommandName = WsgiCommandName | CgiCommandName | WebCommandName;

const commandNames: readonly CommandName[] = [...wsgiCommandNames, ...cgiCommandNames, ...webCommandNames];

const flags = {
  only: { type: 'string' },
  baseline: { type: 'string' },
  apps: { type: 'string' },
  connections: { type: 'string' },
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  rate: { type: 'string' },
  size: { type: 'string' },
  streams: { type: 'string' },
  workers: { type: 'string', default: '2' },
  quick: { type: 'boolean', default: false },
  json: { type: 'string' },
  venv: { type: 'string' },
  python: { type: 'string' },
  'no-build': { type: 'boolean', default: false },
} as const;

type FlagValues = ReturnType<typeof parseArgs<{ options: typeof flags }>>['values'];

interface Typed<Name extends CommandName> {
  readonly command: Name;
  readonly values: FlagValues;
  /** As it was typed. */
  readonly text: string;
}

export type WsgiCommandLine = Typed<WsgiCommandName>;
export type CgiCommandLine = Typed<CgiCommandName>;
export type WebCommandLine = Typed<WebCommandName>;
export type CommandLine = WsgiCommandLine | CgiCommandLine | WebCommandLine;

/** @throws with a message for the user. */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options: flags });
  const text = ['npm run bench --', ...args.filter((arg) => arg !== '--no-build')].join(' ');
  return { command: commandNamed(positionals), values, text };
}

export function isCgiCommand(line: CommandLine): line is CgiCommandLine {
  return cgiCommandNames.some((name) => name === line.command);
}

export function isWebCommand(line: CommandLine): line is WebCommandLine {
  return webCommandNames.some((name) => name === line.command);
}

export function wholeNumber(flag: string, text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new Error(`${flag}: expected a whole number above 0; received ${JSON.stringify(text)}`);
}

/** The names in a list with commas. */
export function listed(text: string): string[] {
  return text.split(',').filter((name) => name !== '');
}

/** @throws when there is none of that name; the message lists those there are. */
export function named<T extends { readonly name: string }>(flag: string, all: readonly T[], name: string): T {
  const found = all.find((candidate) => candidate.name === name);
  if (found) return found;
  const names = all.map((candidate) => candidate.name).join(', ');
  throw new Error(`${flag}: expected some of ${names}; received ${JSON.stringify(name)}`);
}

function commandNamed(positionals: readonly string[]): CommandName {
  const found = commandNames.find((name) => name === positionals[0]);
  if (found && positionals.length === 1) return found;
  throw new Error(
    `expected one command of ${commandNames.join(', ')}; received ${positionals.join(' ') || 'none'}`,
  );
}
