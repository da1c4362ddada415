/**
 * The configuration file: which one it is, and what stands in it. It holds the settings of {@link UserConfig}; they are checked with those of
 * the command line, by resolve.ts.
 *
 * Messages about a setting begin with where it stands, `xgi.config.yaml:3:10: workers`. From that, {@link ConfigFile.explain} shows the line.
 */
import { lstatSync } from 'node:fs';
import path from 'node:path';
import { BootError, ConfigError } from '../errors.js';
import { formatReceived } from '../errors/received.js';
import { formatExcerpt } from './excerpt.js';
import { copySettings } from './file-settings.js';
import { readSource } from './file-source.js';
import { type UserConfig, userConfigSchema } from './schema.js';
import { secretsIn } from './secrets.js';

/** Keys and indices that lead to a setting: `['routes', 2, 'app']`. */
export type SettingPath = readonly (string | number)[];

/** 1 is the first. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** What a format makes of a file. */
export interface Document {
  readonly value: unknown;
  /** Where a setting stands, or its key; undefined where the format does not tell. */
  locate(at: SettingPath, what: 'key' | 'value'): Position | undefined;
}

export interface ConfigFile {
  /** Absolute. */
  readonly path: string;
  /** Not checked yet, but an object. */
  readonly settings: UserConfig;
  /** How a message names a setting. */
  nameOf(at: SettingPath, what?: 'key' | 'value'): string;
  /** The same error; with the line it speaks of and a caret, if it begins with a place in this file. Anything else stays as it is. */
  explain(error: unknown): unknown;
}

/** In the order in which they are looked for. */
const CONFIG_FILES = ['ts', 'js', 'mjs', 'yaml', 'yml', 'json'].map((ending) => `xgi.config.${ending}`);

const FORMS = 'a file that ends in .ts, .js, .mjs, .yaml, .yml or .json';

/** @returns the absolute path of the file in that folder; undefined if there is none. @throws ConfigError if there are several */
export function findConfigFile(folder: string): string | undefined {
  // A link that leads nowhere, too: whoever has put it there does not want to start without the file.
  const found = CONFIG_FILES.filter((name) => isThere(path.join(folder, name)));
  if (found.length > 1)
    throw new ConfigError(
      'XGI_CONFIG_FILE',
      `${found.join(' and ')} are both in ${folder}; remove one, or say which with --config`,
    );
  return found[0] === undefined ? undefined : path.join(folder, found[0]);
}

/**
 * @param file absolute
 * @param cwd what messages name it relative to
 * @param importXgi what `import … from 'xgi'` gives in a module
 * @throws ConfigError `XGI_CONFIG_FILE`
 */
export async function loadConfigFile(
  file: string,
  cwd: string,
  importXgi: () => Promise<Record<string, unknown>>,
): Promise<ConfigFile> {
  const name = displayName(file, cwd);
  const source = read(file, name);
  let secrets: readonly Position[] = [];
  const hide = (secret: Position): void => void (secrets = [secret]);
  const explain = (error: unknown): unknown => withExcerpt(error, { name, source, secrets });
  try {
    const document = await parse(file, name, { source, importXgi, hide });
    const nameOf: ConfigFile['nameOf'] = (at, what = 'value') => {
      const position = document.locate(at, what);
      const place = position === undefined ? name : `${name}:${position.line}:${position.column}`;
      return at.length === 0 ? place : `${place}: ${formatPath(at)}`;
    };
    const settings = copySettings(document.value, nameOf);
    secrets = secretsIn(userConfigSchema, settings).flatMap((at) => document.locate(at, 'value') ?? []);
    return { path: file, settings, nameOf, explain };
  } catch (error) {
    throw explain(error);
  }
}

interface Given {
  readonly source: string;
  readonly importXgi: () => Promise<Record<string, unknown>>;
  /** For the excerpt of an error: what begins there is not shown. */
  readonly hide: (secret: Position) => void;
}

/** Each format is loaded when a file has it. */
async function parse(file: string, name: string, { source, importXgi, hide }: Given): Promise<Document> {
  switch (path.extname(file)) {
    case '.yaml':
    case '.yml':
    case '.json':
      return (await import('./file-yaml.js')).parseYaml(source, name);
    case '.ts':
    case '.js':
    case '.mjs':
      return await (await import('./file-module.js')).importModule({ file, name, source, hide }, importXgi);
    case '.py':
      throw new ConfigError(
        'XGI_CONFIG_FILE',
        `--config: ${name} is Python, as gunicorn's; expected ${FORMS}, with the same settings in camel case`,
      );
    default:
      throw new ConfigError(
        'XGI_CONFIG_FILE',
        `--config: expected ${FORMS}, received ${formatReceived(name)}`,
      );
  }
}

function read(file: string, name: string): string {
  try {
    return readSource(file);
  } catch (error) {
    throw new ConfigError(
      'XGI_CONFIG_FILE',
      `--config: expected ${FORMS}, received ${formatReceived(name)}: ${(error as Error).message}`,
    );
  }
}

/** `routes[2].app`, `apps.shop.workers`, `apps["my shop"].workers` */
export function formatPath(at: SettingPath): string {
  return at
    .map((key, i) => {
      if (typeof key === 'number') return `[${key}]`;
      if (!/^[A-Za-z_$][\w$-]*$/.test(key)) return `[${JSON.stringify(key)}]`;
      return i === 0 ? key : `.${key}`;
    })
    .join('');
}

interface Shown {
  readonly name: string;
  readonly source: string;
  /** A log has no use for them, nor for what stands behind one in its line. */
  readonly secrets: readonly Position[];
}

function withExcerpt(error: unknown, { name, source, secrets }: Shown): unknown {
  const Class = [ConfigError, BootError].find((known) => error instanceof known);
  if (Class === undefined) return error;
  const { code, message, detail } = error as ConfigError | BootError;
  if (!message.startsWith(`${name}:`)) return error;
  const [, line, column] = /^:([0-9]+):([0-9]+):/.exec(message.slice(name.length)) ?? [];
  const text = line === undefined ? undefined : source.split(/\r?\n/)[Number(line) - 1];
  if (text === undefined) return error;
  const hidden = secrets.filter((secret) => secret.line === Number(line)).map((secret) => secret.column);
  const end = Math.min(...hidden);
  const shown = hidden.length === 0 ? text : `${text.slice(0, end - 1)}…`;
  const excerpt = formatExcerpt(shown, Number(line), Math.min(Number(column), end));
  return new Class(code, `${message}\n\n${excerpt}`, {
    cause: error,
    ...(detail === undefined ? {} : { detail }),
  });
}

function displayName(file: string, cwd: string): string {
  const relative = path.relative(cwd, file);
  return relative.startsWith('..') ? file : relative;
}

function isThere(file: string): boolean {
  try {
    return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    // A folder that may not be entered: whatever is to be served says so.
    return false;
  }
}
