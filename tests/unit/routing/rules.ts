/** Rules and requests, as tests write them. */
import { parseHostPattern } from '../../../src/routing/host-pattern.js';
import { ANY_PATH, parsePathPattern } from '../../../src/routing/path-pattern.js';
import type { RouteRule } from '../../../src/routing/route-table.js';

export interface WrittenRule {
  readonly host?: string;
  readonly path?: string;
  readonly methods?: readonly string[];
  readonly fields?: readonly (readonly [string, string | null])[];
}

export function newRule({ host, path, methods, fields = [] }: WrittenRule): RouteRule {
  const pattern = path === undefined ? ANY_PATH : parsePathPattern(path)!;
  return {
    host: host === undefined ? null : parseHostPattern(host)!,
    path: pattern,
    mountDepth: pattern.end === 'exact' ? 0 : pattern.segments.length,
    methods: methods === undefined ? null : new Set(methods),
    fields,
  };
}

export interface WrittenRequest {
  readonly host?: string;
  readonly path: string;
  readonly method?: string;
  readonly fields?: Readonly<Record<string, string>>;
}

export function newMatched({ host = 'example.org', path, method = 'GET', fields = {} }: WrittenRequest) {
  return { authority: host, path, method, field: (name: string) => fields[name] };
}
