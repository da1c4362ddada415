/** Where the server listens. */
import type { Endpoint } from '../types.js';
import { DEFAULTS } from './defaults.js';
import { ENDPOINT_FORM, endpointHint, parseEndpoint, parsePort } from './endpoint.js';
import { checkFolder } from './folders.js';
import { refuse } from './refuse.js';
import type { ResolveContext } from './resolve.js';

/** @throws ConfigError */
export function resolveEndpoints(
  bind: readonly string[] | undefined,
  directory: string,
  context: ResolveContext,
): readonly Endpoint[] {
  if (bind !== undefined) return readEndpoints(bind, directory, context);
  if (context.inheritedFds.length > 0) return context.inheritedFds.map((fd) => ({ kind: 'fd', fd }));
  const portText = context.env['PORT'];
  if (!portText) return [{ kind: 'tcp', host: DEFAULTS.host, port: DEFAULTS.port }];
  const port = parsePort(portText);
  if (port === undefined) throw refuse('the variable PORT', 'a port from 0 to 65535', portText);
  // A platform that sets PORT routes to the machine from outside.
  return [{ kind: 'tcp', host: '0.0.0.0', port }];
}

function readEndpoints(bind: readonly string[], directory: string, context: ResolveContext): Endpoint[] {
  const seen = new Set<string>();
  return bind.map((text) => {
    const endpoint = readEndpoint(text, directory, context);
    const key = JSON.stringify(endpoint);
    if (seen.has(key))
      throw refuse(context.nameOf('bind'), 'each address once', text, ', which is given twice');
    // Of port 0, each is another one.
    if (endpoint.kind !== 'tcp' || endpoint.port !== 0) seen.add(key);
    return endpoint;
  });
}

function readEndpoint(text: string, directory: string, context: ResolveContext): Endpoint {
  const endpoint = parseEndpoint(text, directory);
  if (endpoint === undefined)
    throw refuse(context.nameOf('bind'), ENDPOINT_FORM, text, endpointHint(text, directory));
  if (endpoint.kind === 'unix') checkFolder('bind', endpoint.path, text, context);
  return endpoint;
}

/** For plain HTTP, answered with redirects. @throws ConfigError */
export function resolveRedirect(
  text: string | undefined,
  directory: string,
  context: ResolveContext,
): Endpoint[] {
  if (text === undefined) return [];
  const endpoint = parseEndpoint(text, directory);
  if (endpoint !== undefined && endpoint.kind !== 'unix') return [{ ...endpoint, redirects: true }];
  throw refuse(context.nameOf('tlsRedirect'), 'HOST:PORT, [IPV6]:PORT, :PORT or fd://NUMBER', text);
}
