/** Handlers in the servers and frameworks of others: `node:http`, Express and Connect, Fastify, and whatever speaks WHATWG Fetch (Hono, h3). */
import type { EmbeddingOptions } from '../adapters/embedded-exchange.js';
import { createFetch, type FetchHandler } from '../adapters/fetch.js';
import {
  createNodeListener,
  type NodeListener,
  type NodeRequest,
  type NodeResponse,
} from '../adapters/node-listener.js';
import { DEFAULT_LIMITS, DEFAULTS } from '../config/defaults.js';
import { parseMount } from '../config/mount.js';
import type { UserConfig } from '../config/schema.js';
import { ConfigError } from '../errors.js';
import { formatReceived } from '../errors/received.js';
import { parseTrustedProxies } from '../http/forwarded.js';
import type { Handler } from '../types.js';
import { openLog } from './log.js';
import type { LibraryOptions } from './options.js';

/** The settings of the configuration file, by the same names. */
export interface MountOptions extends LibraryOptions, Pick<UserConfig, 'forwardedAllowIps' | 'dev'> {
  /** The front of the path that becomes SCRIPT_NAME, for example `/legacy`; a request for something else is a 404. Default: none; in Express, where it is mounted. */
  readonly mount?: string;
}

/**
 * A listener for `createServer` of `node:http`, `node:https` and `node:http2`; and middleware for Express and Connect, which answers every request that
 * it is given.
 *
 * @throws ConfigError for options that cannot be used
 */
export function toNodeListener(handler: Handler, options: MountOptions = {}): NodeListener {
  const mount = options.mount === undefined ? undefined : readMount(options.mount);
  return createNodeListener(handler, { ...readOptions(options), mount });
}

/**
 * A function from Request to Response, for frameworks in the fetch style. Who the client is has to be told (`peer`); else nobody is trusted to say it.
 *
 * @throws ConfigError for options that cannot be used
 */
export function toFetch(handler: Handler, options: MountOptions = {}): FetchHandler {
  return createFetch(handler, { ...readOptions(options), mount: readMount(options.mount ?? '/') }, '');
}

/** As much of Fastify as is used. */
export interface FastifyScope {
  readonly prefix: string;
  removeAllContentTypeParsers(): unknown;
  addContentTypeParser(
    type: string,
    parse: (request: never, payload: never, done: (error: Error | null) => void) => void,
  ): unknown;
  all(path: string, handler: (request: { raw: NodeRequest }, reply: FastifyReply) => void): unknown;
}

interface FastifyReply {
  readonly raw: NodeResponse;
  hijack(): unknown;
}

/**
 * A plugin: `fastify.register(toFastify(handler), { prefix: '/legacy' })`. The prefix is the mount.
 *
 * @throws ConfigError for options that cannot be used
 */
export function toFastify(
  handler: Handler,
  options: Omit<MountOptions, 'mount'> = {},
): (scope: FastifyScope, options: unknown, done: () => void) => void {
  const settings = readOptions(options);
  return (scope, _, done) => {
    const listener = createNodeListener(handler, { ...settings, mount: readMount(scope.prefix || '/') });
    // The body is read here, as it comes. What parses them elsewhere stays.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, parsed) => parsed(null));
    for (const path of ['/', '/*'])
      scope.all(path, ({ raw }, reply) => {
        reply.hijack();
        listener(raw, reply.raw);
      });
    done();
  };
}

function readOptions(options: MountOptions): Omit<EmbeddingOptions, 'mount'> {
  return {
    trustedProxies: parseTrustedProxies(options.forwardedAllowIps ?? DEFAULTS.forwardedAllowIps),
    maxBodyBytes: DEFAULT_LIMITS.maxBodyBytes,
    tellsDetails: options.dev ?? false,
    log: openLog(options),
  };
}

function readMount(text: string): string {
  const mount = parseMount(text);
  if (mount !== undefined) return mount;
  throw new ConfigError(
    'XGI_CONFIG_VALUE',
    `mount: expected a path that begins with /, for example /legacy, received ${formatReceived(text)}`,
  );
}
