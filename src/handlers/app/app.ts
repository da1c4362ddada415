/** TypeScript applications: which of the shapes a module's default export has, and the handler for it. */
import { BootError } from '../../errors.js';
import type { Handler } from '../../types.js';
import { createFetchHandler, type FetchApplication } from './fetch.js';
import { fromWsgi, type FromWsgiOptions } from './from-wsgi.js';
import { isThenable } from './thenable.js';
import type { WsgiApplication } from './wsgi-types.js';

const FORM =
  'export default { fetch(request) { … } }; or a function: of (environ, startResponse), as in WSGI, or a handler, of (request)';
const MAX_KEYS = 5;

/**
 * @param exported what the module exports by default. Of a function, the number of parameters tells the shape
 * @param name of the module, for messages
 * @throws BootError `XGI_APP_EXPORT`
 */
export function createAppHandler(exported: unknown, name: string, options: FromWsgiOptions = {}): Handler {
  if (isFetchApplication(exported)) return createFetchHandler(exported);
  if (typeof exported === 'function' && !isClass(exported)) {
    if (exported.length <= 1) return exported as Handler;
    if (exported.length === 2) return fromWsgi(exported as WsgiApplication, options);
  }
  throw new BootError('XGI_APP_EXPORT', `${name}: expected ${FORM}; received ${describe(exported)}`);
}

function describe(exported: unknown): string {
  if (exported === undefined) return 'no default export';
  if (exported === null) return 'a default export that is null';
  if (typeof exported === 'function')
    return isClass(exported) ? describeClass(exported) : `a function of ${exported.length} parameters`;
  if (isThenable(exported)) return 'a promise; wait for it: export default await …';
  if (typeof exported !== 'object') return `a default export that is of type ${typeof exported}`;
  const keys = Object.keys(exported).slice(0, MAX_KEYS);
  return `an object without fetch${keys.length === 0 ? '' : `, with ${keys.join(', ')}`}`;
}

function describeClass({ name }: Function): string {
  // As it is transpiled, one without a name has one that says so.
  const written = /^(?:_?default)?$/.test(name) ? 'App' : name;
  return `a class; export an instance of it: export default new ${written}()`;
}

/** It can only be called with `new`. */
function isClass(exported: object): boolean {
  return /^class\b/.test(Function.prototype.toString.call(exported));
}

function isFetchApplication(exported: unknown): exported is FetchApplication {
  return (
    ((typeof exported === 'object' && exported !== null) || typeof exported === 'function') &&
    typeof (exported as { fetch?: unknown }).fetch === 'function'
  );
}
