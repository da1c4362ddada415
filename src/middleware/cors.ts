/** `cors`: which pages of other origins may use an application from a browser (WHATWG Fetch, "CORS protocol"). */
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
  const {
    origins,
    methods = METHODS,
    headers,
    exposeHeaders = [],
    credentials = false,
    maxAge = MAX_AGE_MS,
  } = options;
  const isAllowed = originTest(origins);
  const always: Fields = credentials ? ['Access-Control-Allow-Credentials', 'true'] : [];
  const exposed: Fields =
    exposeHeaders.length === 0 ? [] : ['Access-Control-Expose-Headers', exposeHeaders.join(', ')];

  const allowOrigin = (origin: string): Fields => [
    'Access-Control-Allow-Origin',
    origins.includes('*') ? '*' : origin,
    ...always,
  ];

  const preflight = (request: GatewayRequest, origin: string): GatewayResponse => {
    const vary = ['Vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers'];
    // Without the fields the browser refuses, and tells the page's author why.
    if (!isAllowed(origin)) return { head: new ResponseHead(204, vary), body: { kind: 'empty' } };
    const asked = headers?.join(', ') ?? combinedValue(request.fields, 'access-control-request-headers');
    const fields = [
      ...[...vary, ...allowOrigin(origin)],
      ...['Access-Control-Allow-Methods', methods.join(', ')],
      ...(asked === undefined || asked === '' ? [] : ['Access-Control-Allow-Headers', asked]),
      ...['Access-Control-Max-Age', String(Math.floor(maxAge / 1000))],
    ];
    return { head: new ResponseHead(204, fields), body: { kind: 'empty' } };
  };

  return (next) => (request) => {
    const origin = request.field('origin');
    const isPreflight =
      origin !== undefined &&
      request.method === 'OPTIONS' &&
      request.field('access-control-request-method') !== undefined;
    if (isPreflight) return preflight(request, origin);
    return answerWithHead(next, request, (head) => {
      const kept = fieldsWhere(head.fields, (name) => !OURS.test(name));
      // Also for requests without an origin: a cache must not give their answer to those with one.
      const vary = origins.includes('*') ? kept : withVary(kept, 'Origin');
      const granted = origin !== undefined && isAllowed(origin) ? [...allowOrigin(origin), ...exposed] : [];
      return headWithFields(head, [...vary, ...granted]);
    });
  };
});

function originTest(origins: readonly string[]): (origin: string) => boolean {
  if (origins.includes('*')) return () => true;
  const exact = new Set(origins);
  const wild = origins
    .filter((origin) => origin.includes('*'))
    .map((origin) => origin.split('*') as [string, string]);
  return (origin) =>
    exact.has(origin) ||
    wild.some(
      ([front, end]) =>
        origin.length > front.length + end.length &&
        origin.startsWith(front) &&
        origin.endsWith(end) &&
        /^[a-z0-9.-]+$/i.test(origin.slice(front.length, -end.length)),
    );
}
