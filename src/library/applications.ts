/** Handlers of whole applications, for programs: what `xgi wsgi|cgi|static|app TARGET` serves. */
import type { UserConfig } from '../config/schema.js';
import { createAppHandler } from '../handlers/app/app.js';
import type { FetchApplication } from '../handlers/app/fetch.js';
import type { WsgiApplication } from '../handlers/app/wsgi-types.js';
import type { Handler } from '../types.js';
import { type ApplicationHandler, createApplicationHandler } from './application-handler.js';
import type { ApplicationOptions } from './options.js';

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

/**
 * A TypeScript application.
 *
 * @param application the path of its module; or what such a module exports by default, which runs here
 * @throws BootError `XGI_APP_EXPORT` for an object of no known shape
 */
export function app(
  application: string | FetchApplication | WsgiApplication | Handler,
  options: ApplicationOptions = {},
): ApplicationHandler {
  if (typeof application === 'string') return ofKind('app', application, options);
  const { log, logLevel, ...settings } = options;
  const handler = createAppHandler(application, 'app()');
  return createApplicationHandler('app()', { ...settings, routes: [{ handler }] }, { log, logLevel });
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
