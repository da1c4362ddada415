/**
 * Which route takes a request. Compiled once; matching costs a few look-ups, however many routes there are.
 *
 * Of the routes that match, the most specific one takes the request:
 *
 *  1. by host: an exact name, then the longest wildcard, then no host;
 *  2. by path, segment by segment from the left: text is before `:name`, `:name` is before `*`, and `*` and `$` are before a prefix that ends there;
 *  3. one that names methods is before one that does not, then the one that asks for more fields;
 *  4. the first in the list.
 *
 * A route that matches by host and path but not by method or fields is passed over for the next. Nothing falls to a route that does not match.
 *
 * Paths are compared as {@link decodeSegments} reads them, so that `/%61dmin` is `/admin`. What it refuses (an encoded slash, a `..`
 * segment) takes no route by another name: where any route has a path, it is refused as a whole.
 */
import { GatewayError } from '../errors.js';
import type { GatewayRequest } from '../types.js';
import { hostOf, type HostPattern } from './host-pattern.js';
import type { PathPattern } from './path-pattern.js';
import { decodeSegments } from './segments.js';

/** What a request has to be for a route to take it. */
export interface RouteRule {
  /** null for every host. */
  readonly host: HostPattern | null;
  readonly path: PathPattern;
  /** How many segments of the path become SCRIPT_NAME: not more than the pattern has. */
  readonly mountDepth: number;
  /** Upper case; null for all. GET stands for HEAD too. */
  readonly methods: ReadonlySet<string> | null;
  /** Lower-case name → value, or null if any will do. */
  readonly fields: readonly (readonly [string, string | null])[];
}

export interface RouteMatch<T> {
  readonly target: T;
  /** How many characters of the path are its mount: SCRIPT_NAME, percent-encoded. The rest is '' or begins with `/`. */
  readonly mountLength: number;
  /** The decoded segments of the path. */
  readonly segments: readonly string[];
}

interface Leaf<T> {
  readonly rule: RouteRule;
  readonly target: T;
}

/** Of a trie of segments. Each list is in the order in which its routes are tried. */
class Node<T> {
  readonly texts = new Map<string, Node<T>>();
  any: Node<T> | undefined;
  readonly exact: Leaf<T>[] = [];
  readonly rest: Leaf<T>[] = [];
  readonly prefix: Leaf<T>[] = [];
}

type Matched = Pick<GatewayRequest, 'authority' | 'path' | 'method' | 'field'>;

/** Of a path that is none: `*`, or what a mount has left nothing of. Only what takes every path takes it. */
const NO_SEGMENTS: readonly string[] = [];
/** Nothing to decode or to refuse: the usual path. */
const PLAIN = /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~!$&'()*+,;=:@-]*)+$/;

export class RouteTable<T> {
  readonly #exact = new Map<string, Node<T>>();
  /** By suffix, which begins with a dot. */
  readonly #wildcards = new Map<string, Node<T>>();
  readonly #anyHost = new Node<T>();
  readonly #readsPaths: boolean;
  /** Fields that a route asks for; lower case, each once. */
  readonly fieldNames: readonly string[];

  constructor(routes: readonly (readonly [RouteRule, T])[]) {
    for (const [rule, target] of routes) this.#insert({ rule, target });
    this.fieldNames = [...new Set(routes.flatMap(([{ fields }]) => fields.map(([name]) => name)))];
    this.#readsPaths = routes.some(([{ path }]) => path.segments.length > 0 || path.end !== 'prefix');
  }

  /**
   * @returns undefined if no route takes it
   * @throws GatewayError 400 or 404 `XGI_ROUTE_PATH` for a path that could mean another to whoever reads it next
   */
  match(request: Matched): RouteMatch<T> | undefined {
    const segments = this.#readsPaths ? readSegments(request.path) : NO_SEGMENTS;
    const leaf = this.#find(request, segments);
    if (leaf === undefined) return undefined;
    return { target: leaf.target, mountLength: lengthOf(request.path, leaf.rule.mountDepth), segments };
  }

  /** All routes, in the order in which a request that matches several is given to the first. */
  get routes(): readonly (readonly [RouteRule, T])[] {
    const suffixes = [...this.#wildcards.keys()].toSorted((a, b) => b.length - a.length);
    const wildcards = suffixes.map((suffix) => this.#wildcards.get(suffix)!);
    return [...this.#exact.values(), ...wildcards, this.#anyHost]
      .flatMap(leavesOf)
      .map(({ rule, target }) => [rule, target]);
  }

  #find(request: Matched, segments: readonly string[]): Leaf<T> | undefined {
    if (this.#exact.size > 0 || this.#wildcards.size > 0) {
      const host = hostOf(request.authority);
      const exact = this.#exact.get(host);
      const found = exact === undefined ? undefined : findLeaf(exact, segments, 0, request);
      if (found !== undefined) return found;
      // The first dot is that of the longest suffix.
      if (this.#wildcards.size > 0) {
        for (let dot = host.indexOf('.', 1); dot !== -1; dot = host.indexOf('.', dot + 1)) {
          const wildcard = this.#wildcards.get(host.slice(dot));
          const below = wildcard === undefined ? undefined : findLeaf(wildcard, segments, 0, request);
          if (below !== undefined) return below;
        }
      }
    }
    return findLeaf(this.#anyHost, segments, 0, request);
  }

  #insert(leaf: Leaf<T>): void {
    const { path } = leaf.rule;
    let node = this.#rootOf(leaf.rule.host);
    for (const segment of path.segments) {
      node = 'text' in segment ? childOf(node.texts, segment.text) : (node.any ??= new Node<T>());
    }
    const list = node[path.end];
    const before = list.findIndex((other) => isBefore(leaf.rule, other.rule));
    list.splice(before === -1 ? list.length : before, 0, leaf);
  }

  #rootOf(host: HostPattern | null): Node<T> {
    if (host === null) return this.#anyHost;
    return host.kind === 'exact' ? childOf(this.#exact, host.name) : childOf(this.#wildcards, host.suffix);
  }
}

/** True if the first is the more specific of two rules for the same path. */
function isBefore(a: RouteRule, b: RouteRule): boolean {
  if ((a.methods === null) !== (b.methods === null)) return a.methods !== null;
  return a.fields.length > b.fields.length;
}

function childOf<T>(children: Map<string, Node<T>>, key: string): Node<T> {
  let child = children.get(key);
  if (child === undefined) children.set(key, (child = new Node<T>()));
  return child;
}

/** Goes back where a way ends in nothing; it never looks at a node twice. */
function findLeaf<T>(
  node: Node<T>,
  segments: readonly string[],
  at: number,
  request: Matched,
): Leaf<T> | undefined {
  if (at === segments.length) return firstOf(node.exact, request) ?? firstOf(node.prefix, request);
  const segment = segments[at]!;
  const text = node.texts.size === 0 ? undefined : node.texts.get(segment);
  let found = text === undefined ? undefined : findLeaf(text, segments, at + 1, request);
  if (found === undefined && node.any !== undefined && segment !== '')
    found = findLeaf(node.any, segments, at + 1, request);
  return found ?? firstOf(node.rest, request) ?? firstOf(node.prefix, request);
}

/** As findLeaf tries them. */
function leavesOf<T>({ texts, any, exact, rest, prefix }: Node<T>): Leaf<T>[] {
  const below = [...texts.values(), ...(any === undefined ? [] : [any])];
  return [...below.flatMap(leavesOf), ...exact, ...rest, ...prefix];
}

function firstOf<T>(leaves: readonly Leaf<T>[], request: Matched): Leaf<T> | undefined {
  for (const leaf of leaves) if (takes(leaf.rule, request)) return leaf;
  return undefined;
}

function takes({ methods, fields }: RouteRule, request: Matched): boolean {
  if (methods !== null && !methods.has(request.method)) return false;
  for (const [name, wanted] of fields) {
    const value = request.field(name);
    if (value === undefined || (wanted !== null && value !== wanted)) return false;
  }
  return true;
}

function readSegments(path: string): readonly string[] {
  if (path === '*' || path === '') return NO_SEGMENTS;
  if (PLAIN.test(path)) return path.slice(1).split('/');
  const decoded = decodeSegments(path);
  if (decoded.kind === 'segments') return decoded.segments;
  throw new GatewayError(decoded.status, 'XGI_ROUTE_PATH', decoded.reason);
}

/** Where so many segments end, in a path that has them. */
function lengthOf(path: string, depth: number): number {
  let end = 0;
  for (let i = 0; i < depth; i += 1) {
    end = path.indexOf('/', end + 1);
    if (end === -1) return path.length;
  }
  return end;
}
