/** The field Cache-Status (RFC 9211): what a cache has done with a request. */
import { serializeItem, Token } from 'structured-headers';
import type { Fields } from '../types.js';
import { combinedValue, withField } from './field-values.js';

export interface CacheStatus {
  readonly hit?: boolean;
  /** Why the application was asked (section 2.2). */
  readonly fwd?: 'bypass' | 'method' | 'uri-miss' | 'vary-miss' | 'stale' | 'request';
  /** The application's status, if it is not that of the answer. */
  readonly 'fwd-status'?: number;
  readonly stored?: boolean;
  /** The answer to somebody else's request. */
  readonly collapsed?: boolean;
  /** Seconds that it is still fresh; below 0 for a stale hit, as section 2.4 has it (`hit; ttl=-412`). */
  readonly ttl?: number;
}

const CACHE = new Token('xgi');

/** The fields with what this cache has done, behind what caches behind it say. */
export function withCacheStatus(fields: Fields, status: CacheStatus): Fields {
  const parameters = Object.entries(status)
    .filter(([, value]) => value !== undefined && value !== false)
    .map(([name, value]) => [name, typeof value === 'string' ? new Token(value) : value] as const);
  const member = serializeItem(CACHE, new Map(parameters));
  const before = combinedValue(fields, 'cache-status');
  return withField(fields, 'Cache-Status', before === undefined ? member : `${before}, ${member}`);
}
