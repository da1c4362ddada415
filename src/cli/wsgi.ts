/** The command `xgi wsgi TARGET`, and `xgi TARGET`: resolves the configuration, then checks it or serves. */
import { compileAccessLogFormat, type FormatLine } from '../observe/access-log-format.js';
import type { ResolvedConfig } from '../config/resolve.js';
import { ConfigError } from '../errors.js';
import { takeListenFds } from '../process/systemd.js';
import { takeChild } from '../service/child-task.js';
import { type Predecessor, takePredecessor } from '../service/handover.js';
import type { CommandLine } from './command-line.js';
import { describeDetection } from './detected.js';
import {
  type Configuration,
  type ConfigurationContext,
  explainBy,
  readConfiguration,
  rereadConfiguration,
} from './configuration.js';
import { loadParts } from './load-parts.js';

/** @returns the exit status */
export async function runWsgi(commandLine: CommandLine, version: string): Promise<number> {
  const cwd = process.cwd();
  if (takeChild(process.env)) {
    await loadParts();
    return await (await import('../service/gateway-child.js')).runGatewayChild(version);
  }
  const predecessor = takePredecessor(process.env);
  const inheritedFds = takeListenFds(process.env, process.pid);
  const context = { cwd, inheritedFds };
  if (commandLine.action === 'init') return await (await import('./init.js')).runInit(commandLine, context);
  const configuration = await readConfiguration(commandLine, context);
  try {
    return await run(configuration, { commandLine, version, context, predecessor });
  } catch (error) {
    // What only a start finds out about what stands in the file, too.
    throw explainBy(configuration, error);
  }
}

interface RunOptions {
  readonly commandLine: CommandLine;
  readonly version: string;
  readonly context: ConfigurationContext;
  readonly predecessor: Predecessor | undefined;
}

async function run(
  configuration: Configuration,
  { commandLine, version, context, predecessor }: RunOptions,
): Promise<number> {
  const { resolved: config, nameOf } = configuration;
  const formatLine = compileFormat(config, nameOf('accessLogformat'));
  const { detection } = configuration;
  if (detection !== undefined) process.stderr.write(describeDetection(detection));
  await loadParts();
  switch (commandLine.action) {
    case 'check':
      return await (
        await import('./check.js')
      ).check({ config, file: configuration.file?.path, version, nameOf });
    case 'print':
      return (await import('./print.js')).printConfig(config);
    case 'routes':
      return (await import('./routes.js')).printRoutes(config);
  }
  if (detection !== undefined) process.stderr.write('xgi: xgi init writes this to a file\n');
  const { serve } = await import('../service/serve.js');
  const reread =
    configuration.file === undefined
      ? undefined
      : () => rereadConfiguration(configuration, commandLine, context);
  return await serve({ config, formatLine, version, nameOf, cwd: context.cwd, predecessor, reread });
}

/** Also for a gateway without an access log: a mistake is found now, not when the log is wanted. */
function compileFormat({ accessLog }: ResolvedConfig, flag: string): FormatLine {
  try {
    return compileAccessLogFormat(accessLog.format);
  } catch (error) {
    if (error instanceof ConfigError) throw new ConfigError(error.code, `${flag}: ${error.message}`);
    throw error;
  }
}
