/** The module of a TypeScript application, loaded: its handler, and how it lets go of what it holds. */
import path from 'node:path';
import { formatModuleFailure } from '../config/module-failure.js';
import { BootError } from '../errors.js';
import { createAppHandler } from '../handlers/app/app.js';
import { installFetchGlobals } from '../handlers/app/fetch-globals.js';
import type { FromWsgiOptions } from '../handlers/app/from-wsgi.js';
import type { Handler } from '../types.js';
import { loadExports, type LoadOptions, type ModuleExports } from './load-module.js';

export interface AppModule {
  readonly handler: Handler;
  /** The module's export `close`, if it has one: called once, when no request will come any more. */
  readonly close: () => Promise<void>;
}

/** @throws BootError `XGI_APP_LOAD`, `XGI_APP_EXPORT` */
export async function loadApp(file: string, options: LoadOptions & FromWsgiOptions): Promise<AppModule> {
  installFetchGlobals();
  let exports: ModuleExports;
  try {
    exports = await loadExports(file, options);
  } catch (error) {
    const { message, detail } = formatModuleFailure(error);
    throw new BootError('XGI_APP_LOAD', `${file} cannot be loaded: ${message}`, {
      cause: error,
      ...(detail === undefined ? {} : { detail }),
    });
  }
  const handler = createAppHandler(exports['default'], path.basename(file), options);
  const close = exports['close'];
  if (close !== undefined && typeof close !== 'function')
    throw new BootError(
      'XGI_APP_EXPORT',
      `${path.basename(file)}: expected its export close to be a function; it is of type ${typeof close}`,
    );
  return { handler, close: async () => void (await (close as (() => unknown) | undefined)?.()) };
}
