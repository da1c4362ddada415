/** Whether an answer may be stored, for whom, and for how long (RFC 9111 sections 3 and 4.2). */
import CachePolicy from 'http-cache-semantics';
import { type Directives, isWellFormed, parseCacheControl, secondsOf } from '../../http/cache-control.js';
import { mediaTypeIn } from '../../http/changed-content.js';
import { formatHttpDate } from '../../http/date.js';
import { combinedValue, firstValue, withField, withoutFields } from '../../http/field-values.js';
import type { ResponseHead } from '../../http/response-head.js';
import type { StoredResponse } from '../../http/stored-response.js';
import type { Fields, GatewayRequest } from '../../types.js';
import { TRAIT } from './request-traits.js';

export interface FreshnessOptions {
  readonly defaultTtlMs: number | undefined;
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
}

/** All of it but its body. */
export type StoredHead = Omit<StoredResponse, 'body' | 'kind'>;

export interface Received {
  readonly request: GatewayRequest;
  /** Of its traits. */
  readonly bits: number;
  readonly head: ResponseHead;
  readonly requestedAtMs: number;
}

/** Those that say by themselves how long they are good (RFC 9110 section 15.1). */
const BY_DEFAULT: ReadonlySet<number> = new Set([200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501]);
const OF_A_PASSAGE: ReadonlySet<string> = new Set(['age']);
/** Of a 304: what speaks of its own content, or is for one client (section 3.2). */
const NOT_FRESHENED: ReadonlySet<string> = new Set([
  'age',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'set-cookie',
]);

/** undefined for one that must not be stored, or is not fresh for a moment: nobody but its client has any use for it. */
export function storedHead(
  { request, bits, head, requestedAtMs }: Received,
  options: FreshnessOptions,
): StoredHead | undefined {
  const { status, reason, fields } = head;
  const controlValue = combinedValue(fields, 'cache-control') ?? '';
  const control = parseCacheControl(controlValue);
  // What cannot be read may be what forbids it: `no-store;max-age=60`.
  if (!isWellFormed(controlValue)) return undefined;
  // It has no end that anybody could wait for.
  if (mediaTypeIn(fields) === 'text/event-stream') return undefined;
  // For one client; and a cookie that is given to many is the end of their sessions.
  if (firstValue(fields, 'set-cookie') !== undefined || status === 206) return undefined;
  if ((combinedValue(fields, 'vary') ?? '').includes('*')) return undefined;
  const isAuthenticated = (bits & TRAIT.authenticated) !== 0;
  const policy = new CachePolicy(
    { url: '', method: 'GET', headers: requestHeaders(request, isAuthenticated) },
    { status, headers: responseHeaders(fields, control) },
    { shared: true, cacheHeuristic: 0, immutableMinTimeToLive: 0 },
  );
  if (!policy.storable()) return undefined;
  let audience: StoredResponse['audience'] = 'everybody';
  let lifetimeMs = lifetimeOf(policy, control) * 1000;
  if (saysNothing(fields, control)) {
    if (options.defaultTtlMs === undefined || !BY_DEFAULT.has(status)) return undefined;
    if (isAuthenticated || (bits & TRAIT.cookie) !== 0) return undefined;
    audience = 'cookieless';
    lifetimeMs = options.defaultTtlMs;
  } else if (!['public', 's-maxage', 'must-revalidate'].some((name) => control.has(name))) {
    audience = 'strangers';
  }
  const bornAtMs = requestedAtMs - ageOf(fields) * 1000;
  const freshUntilMs = bornAtMs + lifetimeMs;
  if (freshUntilMs <= Date.now()) return undefined;
  const kept = withoutFields(fields, OF_A_PASSAGE);
  return {
    status,
    reason,
    fields: head.hasDate ? kept : withField(kept, 'Date', formatHttpDate(Date.now())),
    bornAtMs,
    freshUntilMs,
    ...staleUntil(freshUntilMs, control, options),
    audience,
  };
}

/** The head of a stored response after a 304 has confirmed it (section 4.3.4). */
export function freshenedFields(stored: Fields, confirmation: Fields): Fields {
  const news = withoutFields(confirmation, NOT_FRESHENED);
  const names = new Set(news.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase()));
  // The Date of the answer is that of its confirmation.
  return [...withoutFields(stored, new Set([...names, 'date'])), ...news];
}

/** Whether the request does not take what is stored as it is, though it is fresh (section 5.2.1). */
export function wantsConfirmation(request: GatewayRequest, stored: StoredResponse, nowMs: number): boolean {
  const value = combinedValue(request.fields, 'cache-control');
  if (value === undefined) return /no-cache/i.test(request.field('pragma') ?? '');
  const control = parseCacheControl(value);
  const maxAge = secondsOf(control, 'max-age');
  const minFresh = secondsOf(control, 'min-fresh');
  return (
    control.has('no-cache') ||
    (maxAge !== undefined && nowMs - stored.bornAtMs > maxAge * 1000) ||
    (minFresh !== undefined && stored.freshUntilMs - nowMs < minFresh * 1000)
  );
}

/** Whether who asks may be given that answer (section 3.5). */
export function isFor(bits: number, { audience }: StoredResponse): boolean {
  if (audience === 'everybody') return true;
  const known = audience === 'cookieless' ? TRAIT.authenticated | TRAIT.cookie : TRAIT.authenticated;
  return (bits & known) === 0;
}

/** The library compares names of directives in lower case only. */
function responseHeaders(fields: Fields, control: Directives): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let i = 0; i < fields.length; i += 2) headers[fields[i]!.toLowerCase()] = fields[i + 1]!;
  if (control.size > 0)
    headers['cache-control'] = [...control]
      .map(([name, value]) => (value === '' ? name : `${name}="${value.replaceAll(/[",=]/g, ' ')}"`))
      .join(', ');
  return headers;
}

function requestHeaders(request: GatewayRequest, isAuthenticated: boolean): Record<string, string> {
  const control = request.field('cache-control')?.toLowerCase();
  return {
    ...(control === undefined ? {} : { 'cache-control': control }),
    // A user that a middleware of ours has found out, too.
    ...(isAuthenticated ? { authorization: 'known' } : {}),
  };
}

/** Seconds. The library makes 0 of proxy-revalidate, which is about what is stale only (section 5.2.2.8). */
function lifetimeOf(policy: CachePolicy, control: Directives): number {
  const explicit = control.has('no-cache')
    ? 0
    : (secondsOf(control, 's-maxage') ?? secondsOf(control, 'max-age'));
  return explicit ?? policy.maxAge();
}

function saysNothing(fields: Fields, control: Directives): boolean {
  return control.size === 0 && firstValue(fields, 'expires') === undefined && !isUncached(fields);
}

/** HTTP/1.0's way to say it. */
function isUncached(fields: Fields): boolean {
  return /no-cache/i.test(firstValue(fields, 'pragma') ?? '');
}

/** Seconds that it was on its way here. */
function ageOf(fields: Fields): number {
  const age = firstValue(fields, 'age')?.trim() ?? '';
  return /^\d{1,10}$/.test(age) ? Number(age) : 0;
}

/** RFC 5861; who says must-revalidate, or s-maxage, has nothing stale given away (sections 4.2.4 and 5.2.2.10). */
function staleUntil(
  freshUntilMs: number,
  control: Directives,
  { staleWhileRevalidateMs, staleIfErrorMs }: FreshnessOptions,
): Pick<StoredResponse, 'revalidateUntilMs' | 'errorUntilMs'> {
  const isStrict = ['must-revalidate', 'proxy-revalidate', 's-maxage'].some((name) => control.has(name));
  const msOf = (name: string, otherwise: number): number =>
    isStrict ? 0 : (secondsOf(control, name) ?? otherwise / 1000) * 1000;
  return {
    revalidateUntilMs: freshUntilMs + msOf('stale-while-revalidate', staleWhileRevalidateMs),
    errorUntilMs: freshUntilMs + msOf('stale-if-error', staleIfErrorMs),
  };
}
