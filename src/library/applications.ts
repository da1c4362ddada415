/** Handlers of whole applications, for programs: what `xgi wsgi|cgi|static|app TARGET` serves. */
import type { UserConfig } from '../config/schema.js';
import { ConfigError } from '../errors.js';
import { createAppHandler } from '../handlers/app/app.js';
import type { FetchApplication } from '../handlers/app/fetch.js';
import type { WsgiApplication } from '../handlers/app/wsgi-types.js';
import type { Handler } from '../types.js';
import { type ApplicationHandler, createApplicationHandler } from './application-handler.js';
import { openLog } from './log.js';
import { type ApplicationOptions, type InlineOptions, OF_INLINE_APPLICATIONS } from './options.js';

/**
 * A WSGI application in Python workers of its own.
 *
 * @param target `module:callable`, or `path/to/file.py:callable`
 */
export function wsgi(target: string, options: ApplicationOptions = {}): ApplicationHandler {
  return ofKind('wsgi', target, options);
}

/** CGI programs. @param target a folder of them, or one */
export function cgi(target: string, options: ApplicationOptions = {}): ApplicationHandler {
  return ofKind('cgi', target, options);
}

/** Static files. @param directory that they are in */
export function serveStatic(directory: string, options: ApplicationOptions = {}): ApplicationHandler {
  return ofKind('static', directory, options);
}

/** What a module may export by default, and a program hands over. */
type InlineApplication = FetchApplication | WsgiApplication | Handler;

/**
 * A TypeScript application.
 *
 * @param application the path of its module; or what such a module exports by default, which runs here
 * @throws BootError `XGI_APP_EXPORT` for an object of no known shape; ConfigError for an option that only a module can have, such as `workers`
 */
export function app(application: string, options?: ApplicationOptions): ApplicationHandler;
export function app(application: InlineApplication, options?: InlineOptions): ApplicationHandler;
export function app(
  application: string | InlineApplication,
  options: ApplicationOptions = {},
): ApplicationHandler {
  if (typeof application === 'string') return ofKind('app', application, options);
  const { log, logLevel, ...settings } = options;
  checkInline(settings);
  const messages = openLog(options);
  const handler = createAppHandler(application, 'app()', { print: (line) => messages.error(line) });
  return createApplicationHandler('app()', { ...settings, routes: [{ handler }] }, { log, logLevel });
}

function checkInline(settings: Readonly<Record<string, unknown>>): void {
  const taken: readonly string[] = OF_INLINE_APPLICATIONS;
  const wrong = Object.keys(settings).find((key) => settings[key] !== undefined && !taken.includes(key));
  if (wrong === undefined) return;
  throw new ConfigError(
    'XGI_CONFIG_USAGE',
    `app(): ${wrong} is for an application given by the path of its module, app('api.ts', …), which may run in threads; an object or a function runs in this process and has ${taken.join(', ')}`,
  );
}

const NAMES = { wsgi: 'wsgi()', cgi: 'cgi()', static: 'serveStatic()', app: 'app()' } as const;

function ofKind(
  kind: keyof typeof NAMES,
  target: string,
  { log, logLevel, ...settings }: ApplicationOptions,
): ApplicationHandler {
  const user: UserConfig = { ...settings, kind, target };
  return createApplicationHandler(NAMES[kind], user, { log, logLevel });
}
