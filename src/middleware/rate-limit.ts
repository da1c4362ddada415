/**
 * `rateLimit`: so many requests in a window for each client; 429 for what is more (RFC 6585 section 4). Tells clients what is left, in the fields
 * RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10).
 *
 * A bucket that fills evenly (GCRA): a client that has used all of it gets one more request each `window / limit`, instead of all at once at
 * the end of a window.
 */
import { isIPv6 } from 'node:net';
import type { z } from 'zod/v3';
import { rateLimitOptions } from '../config/middleware/rate-limit.js';
import { ResponseHead } from '../http/response-head.js';
import type { Fields, GatewayRequest, GatewayResponse } from '../types.js';
import { changeAnswer, headWithFields } from './answer.js';
import { defineMiddleware } from './define.js';

const WINDOW_MS = 60_000;
/** 100 bytes each. Beyond them, the one that was seen longest ago is forgotten: nobody can fill the memory with addresses. */
const MAX_CLIENTS = 100_000;

export const rateLimit = defineMiddleware(
  'rateLimit',
  rateLimitOptions,
  ({ limit, window = WINDOW_MS, by = 'address' }) => {
    const buckets = new Buckets(limit, window);
    const keyOf = keyReader(by);
    const policy: Fields = ['RateLimit-Policy', `"default";q=${limit};w=${Math.ceil(window / 1000)}`];
    return (next) => (request) => {
      const { left, waitMs, resetMs } = buckets.take(keyOf(request), performance.now());
      const fields = [...policy, 'RateLimit', `"default";r=${left};t=${Math.ceil(resetMs / 1000)}`];
      if (waitMs > 0) return tooMany(Math.ceil(waitMs / 1000), fields);
      return changeAnswer(next(request), ({ head, body }) => ({
        head: headWithFields(head, [...head.fields, ...fields]),
        body,
      }));
    };
  },
);

interface Taken {
  readonly left: number;
  /** 0 if it was granted. */
  readonly waitMs: number;
  /** Until the bucket is full again. */
  readonly resetMs: number;
}

class Buckets {
  readonly #intervalMs: number;
  readonly #windowMs: number;
  /** When the bucket of a key is full again; the one seen longest ago first. */
  readonly #fullAtMs = new Map<string, number>();

  constructor(limit: number, windowMs: number) {
    this.#intervalMs = windowMs / limit;
    this.#windowMs = windowMs;
  }

  take(key: string, nowMs: number): Taken {
    const fullAtMs = Math.max(this.#fullAtMs.get(key) ?? 0, nowMs) + this.#intervalMs;
    const resetMs = fullAtMs - nowMs;
    // Sums of fractions are not exact.
    const waitMs = resetMs - this.#windowMs;
    if (waitMs > this.#intervalMs / 1e6) return { left: 0, waitMs, resetMs: resetMs - this.#intervalMs };
    this.#remember(key, fullAtMs);
    return {
      left: Math.max(0, Math.floor((this.#windowMs - resetMs) / this.#intervalMs + 0.001)),
      waitMs: 0,
      resetMs,
    };
  }

  #remember(key: string, fullAtMs: number): void {
    this.#fullAtMs.delete(key);
    this.#fullAtMs.set(key, fullAtMs);
    if (this.#fullAtMs.size <= MAX_CLIENTS) return;
    const [oldest] = this.#fullAtMs.keys();
    this.#fullAtMs.delete(oldest!);
  }
}

/** Those without a key share one. */
function keyReader(
  by: NonNullable<z.output<typeof rateLimitOptions>['by']>,
): (request: GatewayRequest) => string {
  if (by === 'user') return ({ identity, clientAddress }) => identity?.user ?? networkOf(clientAddress);
  if (by === 'address') return ({ clientAddress }) => networkOf(clientAddress);
  const name = by.field.toLowerCase();
  return (request) => request.field(name) ?? '';
}

/** An IPv6 client has as many addresses as it likes, in 64 bits. */
function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [front = '', back] = address.split('::');
  const groups = front === '' ? [] : front.split(':');
  const end = back === undefined || back === '' ? [] : back.split(':');
  const zeros =
    back === undefined ? [] : Array.from({ length: Math.max(0, 8 - groups.length - end.length) }, () => '0');
  return [...groups, ...zeros, ...end]
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}

function tooMany(seconds: number, fields: Fields): GatewayResponse {
  const text = `Too many requests: try again in ${seconds} s.\n`;
  return {
    head: new ResponseHead(429, [
      ...fields,
      ...['Retry-After', String(seconds)],
      ...['Content-Type', 'text/plain; charset=utf-8', 'Cache-Control', 'no-store'],
    ]),
    body: { kind: 'bytes', bytes: text },
  };
}
