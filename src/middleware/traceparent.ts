/**
 * `traceparent`: each request is part of a trace (W3C Trace Context, level 1). One that comes with a trace goes on with it, under a parent id
 * of our own; the others begin one. The application finds it in `traceparent`, HTTP_TRACEPARENT.
 */
import { randomFillSync } from 'node:crypto';
import { traceparentOptions } from '../config/middleware/traceparent.js';
import { deriveRequest } from '../http/derived-request.js';
import { valuesOf, withField, withoutFields } from '../http/field-values.js';
import type { Fields, GatewayRequest } from '../types.js';
import { defineMiddleware } from './define.js';

/** Section 3.2.2.1: a version that is not known yet may have more behind it, and is read as version 00. */
const FORM = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(-.*)?$/;
const SAMPLED = 1;
const FIELDS: ReadonlySet<string> = new Set(['traceparent', 'tracestate']);

/** Sets `traceparent` of the request that the application sees. A trace that begins here is not sampled; `restart` begins one for each. */
export const traceparent = defineMiddleware(
  'traceparent',
  traceparentOptions,
  ({ restart = false }) =>
    (next) =>
    (request) => {
      const trace = restart ? undefined : readTrace(request);
      // A state without its trace is nobody's (section 4.3).
      const fields: Fields = trace === undefined ? withoutFields(request.fields, FIELDS) : request.fields;
      const { id, sampled } = trace ?? { id: randomHex(16), sampled: false };
      const value = `00-${id}-${randomHex(8)}-${sampled ? '01' : '00'}`;
      return next(deriveRequest(request, { fields: withField(fields, 'traceparent', value) }));
    },
);

/** undefined if there is none, or several, or it is not valid (section 4.2). */
function readTrace({
  fields,
}: GatewayRequest): { readonly id: string; readonly sampled: boolean } | undefined {
  const values = valuesOf(fields, 'traceparent');
  const [, version, id, flags, more] = (values.length === 1 ? FORM.exec(values[0]!) : null) ?? [];
  if (id === undefined || (version === '00' && more !== undefined)) return undefined;
  return { id, sampled: (Number.parseInt(flags!, 16) & SAMPLED) === SAMPLED };
}

/** One call for many ids: most of what a call costs is the call. */
const pool = Buffer.allocUnsafe(4096);
let at = pool.length;

function randomHex(bytes: number): string {
  if (at + bytes > pool.length) {
    randomFillSync(pool);
    at = 0;
  }
  const text = pool.toString('hex', at, at + bytes);
  at += bytes;
  // All zeros are not valid; that has a chance of 2^-64.
  return text;
}
