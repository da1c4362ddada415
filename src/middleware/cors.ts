/** `cors`: which pages of other origins may use an application from a browser (WHATWG Fetch, "CORS protocol"). */
import type { z } from 'zod/v3';
import { corsOptions } from '../config/middleware/cors.js';
import { combinedValue, fieldsWhere } from '../http/field-values.js';
import { ResponseHead } from '../http/response-head.js';
import { withVary } from '../http/vary.js';
import type { Fields, GatewayRequest, GatewayResponse } from '../types.js';
import { answerWithHead, headWithFields } from './answer.js';
import { defineMiddleware } from './define.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
const MAX_AGE_MS = 600_000;
/** What we decide, and so no application behind us. */
const OURS = /^access-control-/i;

/**
 * Answers preflights, with 204, and says in other answers who may read them. It stands in front of authentication: preflights have no credentials.
 */
export const cors = defineMiddleware('cors', corsOptions, (options) => {
  const policy = new CorsPolicy(options);
  return (next) => (request) => {
    const origin = request.field('origin');
    if (origin !== undefined && isPreflight(request)) return policy.preflight(request, origin);
    return answerWithHead(next, request, (head) => policy.grant(head, origin));
  };
});

class CorsPolicy {
  readonly #options: z.output<typeof corsOptions>;
  readonly #isAllowed: (origin: string) => boolean;
  readonly #isForAll: boolean;

  constructor(options: z.output<typeof corsOptions>) {
    this.#options = options;
    this.#isAllowed = originTest(options.origins);
    this.#isForAll = options.origins.includes('*');
  }

  preflight({ fields: asked }: GatewayRequest, origin: string): GatewayResponse {
    const vary = ['Vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers'];
    // Without the fields the browser refuses, and tells the page's author why.
    const granted = this.#isAllowed(origin)
      ? [...this.#allowOrigin(origin), ...this.#allowRequest(asked)]
      : [];
    return { head: new ResponseHead(204, [...vary, ...granted]), body: { kind: 'empty' } };
  }

  /** @param head the application's */
  grant(head: ResponseHead, origin: string | undefined): ResponseHead {
    const kept = fieldsWhere(head.fields, (name) => !OURS.test(name));
    // Also for requests without an origin: a cache must not give their answer to those with one.
    const vary = this.#isForAll ? kept : withVary(kept, 'Origin');
    const isGranted = origin !== undefined && this.#isAllowed(origin);
    const granted = isGranted ? [...this.#allowOrigin(origin), ...this.#expose()] : [];
    return headWithFields(head, [...vary, ...granted]);
  }

  #allowOrigin(origin: string): Fields {
    const always = this.#options.credentials === true ? ['Access-Control-Allow-Credentials', 'true'] : [];
    return ['Access-Control-Allow-Origin', this.#isForAll ? '*' : origin, ...always];
  }

  #allowRequest(asked: Fields): Fields {
    const { methods = METHODS, headers, maxAge = MAX_AGE_MS } = this.#options;
    const allowed = headers?.join(', ') ?? combinedValue(asked, 'access-control-request-headers');
    return [
      ...['Access-Control-Allow-Methods', methods.join(', ')],
      ...(allowed === undefined || allowed === '' ? [] : ['Access-Control-Allow-Headers', allowed]),
      ...['Access-Control-Max-Age', String(Math.floor(maxAge / 1000))],
    ];
  }

  #expose(): Fields {
    const { exposeHeaders = [] } = this.#options;
    return exposeHeaders.length === 0 ? [] : ['Access-Control-Expose-Headers', exposeHeaders.join(', ')];
  }
}

function isPreflight(request: GatewayRequest): boolean {
  return request.method === 'OPTIONS' && request.field('access-control-request-method') !== undefined;
}

function originTest(origins: readonly string[]): (origin: string) => boolean {
  if (origins.includes('*')) return () => true;
  const exact = new Set(origins);
  const wild = origins.filter((origin) => origin.includes('*')).map(wildcardTest);
  return (origin) => exact.has(origin) || wild.some((matches) => matches(origin));
}

/** `https://*.example.com`: labels of a host in the place of the asterisk. */
function wildcardTest(pattern: string): (origin: string) => boolean {
  const [front, end] = pattern.split('*') as [string, string];
  return (origin) =>
    origin.length > front.length + end.length &&
    origin.startsWith(front) &&
    origin.endsWith(end) &&
    /^[a-z0-9.-]+$/i.test(origin.slice(front.length, -end.length));
}
