/** What is amiss with certificates that can be used: loading them finds those that cannot. */
import type { ResolvedConfig } from '../config/resolve.js';
import { type HostPattern, formatHostPattern } from '../routing/host-pattern.js';
import { ServerNames } from '../server/tls/server-names.js';
import type { TlsMaterial } from '../server/tls/material.js';

const DAY_MS = 86_400_000;
/** Most are renewed a month before their end. */
const SOON_MS = 21 * DAY_MS;

/** A sentence for each, with its code. */
export function findCertificateProblems(
  { tls, site }: ResolvedConfig,
  { certificates }: TlsMaterial,
  nowMs = Date.now(),
): string[] {
  // One of our own making is made anew by itself, and is for this machine.
  if (tls === null || tls.local) return [];
  const problems: string[] = [];
  for (const [i, { expiresAtMs, names }] of certificates.entries()) {
    const { certFile } = tls.certificates[i]!;
    const days = Math.floor((expiresAtMs - nowMs) / DAY_MS);
    if (expiresAtMs - nowMs < SOON_MS)
      problems.push(
        `XGI_TLS_EXPIRES: ${certFile}: the certificate expires in ${days} ${days === 1 ? 'day' : 'days'}: renew it, then xgi reload`,
      );
    if (names.length === 0)
      problems.push(
        `XGI_TLS_NO_NAME: ${certFile}: the certificate has no subjectAltName, and clients accept it for no host: have one issued with names`,
      );
  }
  const hosts = (site?.routes ?? []).flatMap(({ rule }) => rule.host ?? []);
  const covered = new ServerNames<true>();
  for (const { names } of certificates) covered.add(names, true);
  const bare = new Set(hosts.filter((host) => !isCovered(host, covered)).map(formatHostPattern));
  for (const host of bare)
    problems.push(
      `XGI_TLS_HOST: no certificate is for ${host}, which a route has as its host: have one issued, and add it to certfile and keyfile`,
    );
  return problems;
}

/** Of a wildcard, at least the names of one more label. */
function isCovered(host: HostPattern, names: ServerNames<true>): boolean {
  return names.find(host.kind === 'exact' ? host.name.replace(/^\[|\]$/g, '') : `*${host.suffix}`) === true;
}
