/**
 * `rateLimit`: so many requests in a window for each client; 429 for what is more (RFC 6585 section 4). Tells clients what is left, in the fields
 * RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10).
 */
import type { z } from 'zod/v3';
import { rateLimitOptions } from '../config/middleware/rate-limit.js';
import { combinedValue } from '../http/field-values.js';
import type { ResponseHead } from '../http/response-head.js';
import type { Fields, GatewayRequest, GatewayResponse } from '../types.js';
import { answerWithHead, plainAnswer } from './answer.js';
import { Buckets } from './buckets.js';
import { networkOf } from './client-network.js';
import { defineMiddleware } from './define.js';
import { keptKey } from './kept-key.js';

const WINDOW_MS = 60_000;

type Key = NonNullable<z.output<typeof rateLimitOptions>['by']>;

/**
 * Answers 429, with Retry-After, to who asks more than `limit` times in a window (by default 1 minute), by default for each address. It stands
 * behind what says who a user is, if it counts by user.
 */
export const rateLimit = defineMiddleware(
  'rateLimit',
  rateLimitOptions,
  ({ limit, window = WINDOW_MS, by = 'address' }) => {
    const buckets = new Buckets(limit, window);
    const keyOf = keyReader(by);
    const seconds = Math.ceil(window / 1000);
    const name = `"${nameOf(by)}-${limit}-${window / 1000}s"`;
    const policy = `${name};q=${limit};w=${seconds}`;
    return (next) => (request) => {
      const { left, waitMs, resetMs } = buckets.take(keyOf(request), performance.now());
      const state = `${name};r=${left};t=${Math.ceil(resetMs / 1000)}`;
      if (waitMs > 0)
        return tooMany(Math.ceil(waitMs / 1000), ['RateLimit-Policy', policy, 'RateLimit', state]);
      return answerWithHead(next, request, (head) =>
        withItem(withItem(head, 'RateLimit-Policy', name, policy), 'RateLimit', name, state),
      );
    };
  },
);

/** In the fields, which are lists: of several limits each has to have a name of its own. */
function nameOf(by: Key): string {
  return typeof by === 'string' ? by : by.field.toLowerCase();
}

/** Those without a key share one. */
function keyReader(by: Key): (request: GatewayRequest) => string {
  // A name has no NUL, so none is the key of an address.
  if (by === 'user')
    return ({ identity, clientAddress }) =>
      identity === null ? `\0${networkOf(clientAddress)}` : keptKey(identity.user);
  if (by === 'address') return ({ clientAddress }) => networkOf(clientAddress);
  const name = by.field.toLowerCase();
  return (request) => keptKey(request.field(name) ?? '');
}

/** Behind what limits further in, or the application, say; once, also if a request is asked twice. @param own the name of the item */
function withItem(head: ResponseHead, field: string, own: string, item: string): ResponseHead {
  const inside = combinedValue(head.fields, field.toLowerCase());
  if (inside === undefined) return head.withField(field, item);
  const others = inside.split(', ').filter((other) => !other.startsWith(`${own};`));
  return head.withField(field, [...others, item].join(', '));
}

function tooMany(seconds: number, fields: Fields): GatewayResponse {
  const text = `Too many requests: try again in ${seconds} s.\n`;
  return plainAnswer(429, text, [...fields, 'Retry-After', String(seconds)]);
}
