/** Everything that the web server benchmarks need of the machine: installed if missing, or reported as missing. */
import { chmodSync } from 'node:fs';
import type { BaseEnvironment } from './environment.js';
import { findProgram, installDebianPackages } from './programs.js';
import { scratchDirectory } from './scratch.js';

export interface WebEnvironment extends BaseEnvironment {
  readonly nginx: string | undefined;
  readonly caddy: string | undefined;
  readonly apache: string | undefined;
  readonly h2load: string | undefined;
}

export function prepareWebEnvironment(): WebEnvironment {
  installDebianPackages({
    wrk: 'wrk',
    nginx: 'nginx-light',
    caddy: 'caddy',
    apache2: 'apache2-bin',
    h2load: 'nghttp2-client',
  });
  const scratch = scratchDirectory();
  // Servers that are started as root read the files as other users.
  chmodSync(scratch, 0o755);
  return {
    nginx: findProgram('nginx'),
    caddy: findProgram('caddy'),
    apache: findProgram('apache2'),
    h2load: findProgram('h2load'),
    wrk: findProgram('wrk'),
    scratchDirectory: scratch,
  };
}
