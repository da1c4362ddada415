/** Paths and what becomes of them, for redirects and rewriting: the most specific rule that fits takes a path, as with routes. */
import type { GatewayRequest } from '../types.js';
import type { PathPattern } from './path-pattern.js';
import { type RouteRule, RouteTable } from './route-table.js';
import { encodeSegment } from './segments.js';
import { parseTarget } from './target.js';

export interface PathRule {
  readonly from: PathPattern;
  /** `:name` stands for the segment of that name, and a `*` ({@link parseTarget}) for what is behind the segments of the pattern. */
  readonly to: string;
}

/** Without a path. */
const ORIGIN = /^https?:\/\/[^/?#]*$/;

/** The names of the segments that a target asks for. A port (`:8080`) is none. */
export function namesIn(to: string): readonly string[] {
  return [...to.matchAll(/\/:([A-Za-z_]\w*)/g)].map(([, name]) => name!);
}

/**
 * @returns what a path becomes, percent-encoded; undefined if no rule takes it. The function throws GatewayError 400 or 404
 * `XGI_ROUTE_PATH`, as routes do
 */
export function compilePathRules(
  rules: readonly PathRule[],
): (request: GatewayRequest) => string | undefined {
  const table = new RouteTable<PathRule>(rules.map((rule) => [ruleOf(rule.from), rule]));
  return (request) => {
    const match = table.match(request);
    if (match === undefined) return undefined;
    const { from, to } = match.target;
    const filled = (part: string): string =>
      part.replaceAll(/\/:([A-Za-z_]\w*)/g, (_, name: string) => {
        const at = from.segments.findIndex((segment) => 'name' in segment && segment.name === name);
        return `/${encodeSegment(match.segments[at]!)}`;
      });
    const { front, hasRest, end } = parseTarget(to);
    if (!hasRest) return filled(to);
    // Two slashes at the front of a path would be another host; and so would what a client writes right behind one.
    const rest = request.path.slice(match.mountLength).replace(/^\/+/, '');
    return filled(front) + (ORIGIN.test(front) ? '/' : '') + rest + filled(end);
  };
}

function ruleOf(path: PathPattern): RouteRule {
  return { host: null, path, mountDepth: path.segments.length, methods: null, fields: [] };
}
