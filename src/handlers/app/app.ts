/** TypeScript applications: which of the shapes a module's default export has, and the handler for it. */
import { BootError } from '../../errors.js';
import type { Handler } from '../../types.js';
import { createFetchHandler, type FetchApplication } from './fetch.js';
import { fromWsgi, type FromWsgiOptions } from './from-wsgi.js';
import type { WsgiApplication } from './wsgi-types.js';

const FORM =
  'export default { fetch(request) { … } }; or a function: of (environ, startResponse), as in WSGI, or a handler, of (request)';

/**
 * @param exported what the module exports by default. Of a function, the number of parameters tells the shape
 * @param name of the module, for messages
 * @throws BootError `XGI_APP_EXPORT`
 */
export function createAppHandler(exported: unknown, name: string, options: FromWsgiOptions = {}): Handler {
  if (isFetchApplication(exported)) return createFetchHandler(exported);
  if (typeof exported === 'function' && exported.length <= 1) return exported as Handler;
  if (typeof exported === 'function' && exported.length === 2)
    return fromWsgi(exported as WsgiApplication, options);
  const received =
    exported === undefined
      ? 'no default export'
      : typeof exported === 'function'
        ? `a function of ${exported.length} parameters`
        : `a default export that is ${exported === null ? 'null' : `of type ${typeof exported}`}`;
  throw new BootError('XGI_APP_EXPORT', `${name}: expected ${FORM}; received ${received}`);
}

function isFetchApplication(exported: unknown): exported is FetchApplication {
  return (
    ((typeof exported === 'object' && exported !== null) || typeof exported === 'function') &&
    typeof (exported as { fetch?: unknown }).fetch === 'function'
  );
}
