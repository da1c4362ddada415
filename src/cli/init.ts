/** `xgi init`: writes what would be served, as it was found or said, to a configuration file. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { findConfigFile } from '../config/file.js';
import { type UserConfig, userConfigSchema } from '../config/schema.js';
import { staticFolder } from '../config/static.js';
import { ConfigError } from '../errors.js';
import { formatReceived } from '../errors/received.js';
import { isInside } from '../routing/path-resolver.js';
import { siteOf } from '../service/site-application.js';
import type { CommandLine } from './command-line.js';
import { type Configuration, type ConfigurationContext, readConfiguration } from './configuration.js';
import { describeDetection, folderToDetect } from './detected.js';
import { isFile } from '../config/detect-folder.js';
import { type Comments, formatTypescript, formatYaml } from './init-format.js';

const FORMATS = ['ts', 'yaml'] as const;
type Format = (typeof FORMATS)[number];

/**
 * The flags are written too. All that can be checked without loading an application has been, before anything is written.
 *
 * @returns the exit status
 * @throws ConfigError `XGI_INIT_EXISTS`, `XGI_INIT_PUBLIC`, `XGI_INIT_WRITE`, and whatever is wrong with what would be served
 */
export async function runInit(commandLine: CommandLine, context: ConfigurationContext): Promise<number> {
  const { config: flags, configFile, init } = commandLine;
  if (configFile !== undefined && configFile !== 'none')
    throw new ConfigError('XGI_CONFIG_USAGE', '--config is not for xgi init, which names the file itself');
  const folder = folderToDetect(flags, context.cwd) ?? path.resolve(context.cwd, String(flags.chdir ?? '.'));
  const format = chooseFormat(init.format, folder);
  const file = path.join(folder, `xgi.config.${format}`);
  checkFree(folder, file, init.force);
  const configuration = await readConfiguration({ ...commandLine, configFile: 'none' }, context);
  checkPublic(folder, configuration);
  write(file, formatFile(format, configuration), init.force);
  const { detection } = configuration;
  const name = path.relative(context.cwd, file);
  process.stdout.write(
    `${detection === undefined ? '' : describeDetection(detection)}xgi: wrote ${name}; xgi check looks whether all of it can be served\n`,
  );
  return 0;
}

function chooseFormat(written: string | undefined, folder: string): Format {
  if (written === undefined)
    return ['package.json', 'tsconfig.json'].some((name) => isFile(path.join(folder, name))) ? 'ts' : 'yaml';
  const format = FORMATS.find((one) => one === written);
  if (format !== undefined) return format;
  throw new ConfigError(
    'XGI_CONFIG_VALUE',
    `--format: expected one of ${FORMATS.join(', ')}, received ${formatReceived(written)}`,
  );
}

/** Two files in one folder would be an error of every start. */
function checkFree(folder: string, file: string, force: boolean): void {
  const there = findConfigFile(folder);
  if (there === undefined || (force && there === file)) return;
  const format = FORMATS.find((one) => path.extname(there) === `.${one}`);
  const flags = there === file ? '--force' : `--force --format ${format}`;
  throw new ConfigError(
    'XGI_INIT_EXISTS',
    `${there} is there already; edit it, or ${format === undefined ? `remove it and write ${path.basename(file)}` : `replace it with ${flags}`}`,
  );
}

/** What is in a folder of files is served, the configuration with it. */
function checkPublic(folder: string, { resolved }: Configuration): void {
  for (const { files } of siteOf(resolved).apps.values()) {
    if (files === null) continue;
    if (!isInside(staticFolder(files), folder)) continue;
    throw new ConfigError(
      'XGI_INIT_PUBLIC',
      `a file in ${folder} would be served with the rest of it; move the files into ${path.join(folder, 'public')}, or go on without a file`,
    );
  }
}

function formatFile(format: Format, { user, detection }: Configuration): string {
  // The file is there.
  const { chdir: _, ...others } = user;
  const target = detection?.config.target;
  const settings = withNumbers(target === undefined ? others : { ...others, target });
  const comments: Comments = new Map(
    (detection?.parts ?? []).map(({ name, found, use }) => [
      user.apps === undefined ? 'target' : `apps.${name}`,
      `${found}: ${use}`,
    ]),
  );
  return format === 'ts' ? formatTypescript(settings, comments) : formatYaml(settings, comments);
}

/** Flags are text; where a number does, people write one. */
function withNumbers(settings: UserConfig): UserConfig {
  return mapValues(settings, (value, key) => {
    if (key === 'apps') return mapValues(value as Record<string, UserConfig>, withNumbers);
    const isNumber = typeof value === 'string' && /^(?:0|[1-9]\d{0,14})$/.test(value);
    return isNumber && takesNumber(key, Number(value)) ? Number(value) : value;
  });
}

function mapValues<T>(object: Readonly<Record<string, T>>, map: (value: T, key: string) => unknown): object {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value, key)]));
}

function takesNumber(key: string, value: number): boolean {
  return userConfigSchema.shape[key as keyof UserConfig].safeParse(value).success;
}

function write(file: string, text: string, force: boolean): void {
  try {
    writeFileSync(file, text, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    throw new ConfigError(
      'XGI_INIT_WRITE',
      `${file} cannot be written: ${(error as Error).message}; write it into another folder, and name it with --config`,
    );
  }
}
