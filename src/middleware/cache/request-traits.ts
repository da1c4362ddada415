/**
 * What a request has that a cache looks at. Most requests have none of it, and are told apart by the first letters of their fields.
 *
 * A cache is poisoned by an answer that depends on something its key does not have. So what programs are known to make answers from, and do not
 * say in Vary, is part of the key; what turns a GET into another method is never answered from the cache.
 */
import type { GatewayRequest } from '../../types.js';

export const TRAIT = {
  /** Says who the client is. */
  authenticated: 1,
  cookie: 2,
  /** Cache-Control or Pragma. */
  directives: 4,
  /** If-None-Match or If-Modified-Since. */
  conditional: 8,
  /** Asks for something else than an answer that could be stored, or given from what is. */
  special: 16,
} as const;

export interface RequestTraits {
  /** Of {@link TRAIT}. */
  readonly bits: number;
  /** More of its key; '' for most. */
  readonly keyed: string;
}

/** What frameworks read the host, the scheme, the path and the mount from, in the place of the request's own. */
const KEYED =
  /^(?:x-(?:forwarded-(?:base|context|host|https|path|port|prefix|proto|protocol|scheme|script-name|server|ssl|uri|url)|forwarded|host|http-host-override|ingress-path|original-(?:host|uri|url)|replaced-path|rewrite-url|script-name|scheme|url-scheme|arr-ssl|envoy-original-path)|front-end-https|cf-visitor|cloudfront-forwarded-proto|wl-proxy-ssl)$/;
/** Who the client is: Authorization, keys and tokens that are no part of HTTP, and what a proxy in front has found out. */
const CREDENTIALS =
  /(?:^|[-_])(?:authorization|api[-_]?key|token|jwt[-_]assertion|(?:auth|authenticated|forwarded|remote|request|webauth)[-_](?:user|email))$/i;
/** Another method than that of the request line. */
const OVERRIDE = /^x-(?:http-method(?:-override)?|method-override)$/;
const NO_TRAITS: RequestTraits = { bits: 0, keyed: '' };

export function traitsOf(request: GatewayRequest): RequestTraits {
  const { fields, body, authority } = request;
  let bits = 0;
  let keyed = '';
  // A body with GET: programs may read it. HTTP/1.0 without Host: nobody knows what the answer is about.
  if (body !== null || authority === '') bits |= TRAIT.special;
  if (isKnown(request)) bits |= TRAIT.authenticated;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    if (isCredentials(name)) bits |= TRAIT.authenticated;
    switch (name.charCodeAt(0) | 0x20) {
      case 0x63: // c
        if (name.length === 6 && name.toLowerCase() === 'cookie') bits |= TRAIT.cookie;
        else if (name.length === 13 && name.toLowerCase() === 'cache-control') bits |= TRAIT.directives;
        else keyed += keyedPart(name.toLowerCase(), fields[i + 1]!);
        break;
      case 0x70: // p
        if (name.length === 6 && name.toLowerCase() === 'pragma') bits |= TRAIT.directives;
        break;
      case 0x69: // i
        bits |= conditionOf(name.toLowerCase());
        break;
      case 0x72: // r
        if (name.length === 5 && name.toLowerCase() === 'range') bits |= TRAIT.special;
        break;
      case 0x75: // u
        if (name.length === 7 && name.toLowerCase() === 'upgrade') bits |= TRAIT.special;
        break;
      case 0x77: // w
        keyed += keyedPart(name.toLowerCase(), fields[i + 1]!);
        break;
      case 0x66: // f
      case 0x78: // x
        keyed += keyedPart(name.toLowerCase(), fields[i + 1]!);
        if (OVERRIDE.test(name.toLowerCase())) bits |= TRAIT.special;
    }
  }
  return bits === 0 && keyed === '' ? NO_TRAITS : { bits, keyed };
}

/** By a middleware, or by the handshake. */
function isKnown({ identity, isPersonal, peer }: GatewayRequest): boolean {
  return identity !== null || isPersonal || peer.tls?.clientCertificate?.verify === 'SUCCESS';
}

/** The last letter tells most names apart. */
function isCredentials(name: string): boolean {
  switch (name.charCodeAt(name.length - 1) | 0x20) {
    case 0x6c: // l
    case 0x6e: // n
    case 0x72: // r
    case 0x79: // y
      return CREDENTIALS.test(name);
    default:
      return false;
  }
}

function conditionOf(name: string): number {
  if (name === 'if-none-match' || name === 'if-modified-since') return TRAIT.conditional;
  return name.startsWith('if-') ? TRAIT.special : 0;
}

function keyedPart(name: string, value: string): string {
  if (KEYED.test(name)) return `\n${name}:${value}`;
  if (name !== 'forwarded') return '';
  // What it says of the client differs from one to the next.
  const parts = value.match(/(?:host|proto)\s*=\s*(?:"[^"]*"|[^;,\s]*)/gi) ?? [];
  return `\n${name}:${parts.join(';')}`;
}
