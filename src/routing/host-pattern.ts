/** The host of a route: `shop.example.org`, or `*.example.org` for every name below it. */

export type HostPattern =
  | { readonly kind: 'exact'; readonly name: string }
  /** `suffix` begins with a dot. */
  | { readonly kind: 'wildcard'; readonly suffix: string };

/** How a host is written, for messages. */
export const HOST_FORM = 'a host without port, for example shop.example.org, *.example.org or [::1]';

const HOST = /^(?:\*\.)?[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?$|^\[[0-9a-f:.]+\]$/;

/** @returns undefined for what is not {@link HOST_FORM} */
export function parseHostPattern(text: string): HostPattern | undefined {
  const host = text.toLowerCase();
  if (!HOST.test(host) || host.includes('..')) return undefined;
  return host.startsWith('*.') ? { kind: 'wildcard', suffix: host.slice(1) } : { kind: 'exact', name: host };
}

/** The host of an authority (RFC 3986 section 3.2): in lower case, without the port and the dot at its end. */
export function hostOf(authority: string): string {
  const colon = authority.lastIndexOf(':');
  const host = colon > authority.lastIndexOf(']') ? authority.slice(0, colon) : authority;
  return (host.endsWith('.') ? host.slice(0, -1) : host).toLowerCase();
}

/** As it was written. */
export function formatHostPattern(pattern: HostPattern): string {
  return pattern.kind === 'exact' ? pattern.name : `*${pattern.suffix}`;
}
