/** Applications over TLS (HTTP/1.1, keep-alive): each server against the baseline, with the same certificate. */
import type { Environment } from '../environment/environment.js';
import type { Options } from '../options.js';
import { compareApplications, reportApplications } from './applications.js';

export async function measureTls(options: Options, environment: Environment): Promise<boolean> {
  const results = await compareApplications(options, environment, true);
  const sections = ['TLS 1.3, an ECDSA certificate with P-256.'];
  return reportApplications(options, environment, results, { sections });
}
