/** `npm run bench -- COMMAND`: runs a command and makes sure that nothing it started outlives it. */
import { resolveCgiOptions, type CgiOptions } from './cgi-options.js';
import {
  isCgiCommand,
  isWebCommand,
  parseCommandLine,
  type CgiCommandName,
  type WebCommandName,
  type WsgiCommandName,
} from './command-line.js';
import { measureApp } from './commands/app.js';
import { measureCgiDelay } from './commands/cgi-delay.js';
import { measureCgiGit } from './commands/cgi-git.js';
import { measureCgi } from './commands/cgi.js';
import { measureCache, measureCompression } from './commands/content.js';
import { measureHttp2 } from './commands/h2.js';
import { measureIdle } from './commands/idle.js';
import { measureLarge } from './commands/large.js';
import { measureMiddleware } from './commands/middleware.js';
import { measureRoutes } from './commands/routes.js';
import { measureSlowHeads } from './commands/slow-heads.js';
import { measureStatic } from './commands/static.js';
import { measureTls } from './commands/tls.js';
import { measureWsgi } from './commands/wsgi.js';
import { prepareCgiEnvironment, type CgiEnvironment } from './environment/cgi-environment.js';
import { prepareEnvironment, type Environment } from './environment/environment.js';
import { prepareWebEnvironment, type WebEnvironment } from './environment/web-environment.js';
import { resolveOptions, type Options } from './options.js';
import { killAllPrograms } from './processes/program-run.js';
import { killAllServers } from './processes/server-process.js';
import { usage } from './usage.js';
import { resolveWebOptions, type WebOptions } from './web-options.js';

/** Resolves with true if everything that was measured was also right. */
type Command<O, On> = (options: O, environment: On) => Promise<boolean>;

const wsgiCommands: Readonly<Record<WsgiCommandName, Command<Options, Environment>>> = {
  wsgi: measureWsgi,
  tls: measureTls,
  middleware: measureMiddleware,
  idle: measureIdle,
  large: measureLarge,
  'slow-heads': measureSlowHeads,
};

const cgiCommands: Readonly<Record<CgiCommandName, Command<CgiOptions, CgiEnvironment>>> = {
  cgi: measureCgi,
  'cgi-delay': measureCgiDelay,
  'cgi-git': measureCgiGit,
};

const webCommands: Readonly<Record<WebCommandName, Command<WebOptions, WebEnvironment>>> = {
  static: measureStatic,
  h2: measureHttp2,
  routes: measureRoutes,
  app: measureApp,
  compression: measureCompression,
  cache: measureCache,
};

/** A wrong answer, too: its figures are worth nothing. */
const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;
const EXIT_SIGNAL = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

export async function main(args: readonly string[]): Promise<void> {
  endWithEverything();
  const measure = measurementOrExit(args);
  try {
    process.exit((await measure()) ? 0 : EXIT_FAILURE);
  } catch (error) {
    process.stderr.write(`bench: ${(error as Error).message}\n`);
    process.exit(EXIT_FAILURE);
  }
}

/** Also an uncaught error ends in the exit event. */
function endWithEverything(): void {
  process.once('exit', () => {
    killAllPrograms();
    killAllServers();
  });
  for (const [signal, code] of Object.entries(EXIT_SIGNAL)) process.once(signal, () => process.exit(code));
}

function measurementOrExit(args: readonly string[]): () => Promise<boolean> {
  if (args.length === 0 || args.includes('--help') || args.includes('-h')) {
    process.stdout.write(usage);
    process.exit(args.length === 0 ? EXIT_USAGE : 0);
  }
  try {
    return measurementOf(args);
  } catch (error) {
    process.stderr.write(`bench: ${(error as Error).message}\nnpm run bench -- --help says more\n`);
    process.exit(EXIT_USAGE);
  }
}

function measurementOf(args: readonly string[]): () => Promise<boolean> {
  const line = parseCommandLine(args);
  if (isCgiCommand(line)) {
    const options = resolveCgiOptions(line);
    return () => cgiCommands[line.command](options, prepareCgiEnvironment());
  }
  if (isWebCommand(line)) {
    const options = resolveWebOptions(line);
    return () => webCommands[line.command](options, prepareWebEnvironment());
  }
  const options = resolveOptions(line);
  return () => wsgiCommands[line.command](options, prepareEnvironment(options));
}
