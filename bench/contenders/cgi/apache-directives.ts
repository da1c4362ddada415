/** What Apache httpd needs to run CGI programs with mod_cgid. */
import type { CgiSite } from './cgi-contender.js';

export interface ApacheCgiSetup {
  readonly processes: number;
  readonly site: CgiSite;
  readonly directory: string;
}

export const cgiModules = ['alias', 'env', 'cgid'];

/** A thread is taken while a program runs; with fewer than connections, Apache closes connections. */
const THREADS = 256;

export function cgiDirectives({ processes, site, directory }: ApacheCgiSetup): string {
  return `
StartServers ${processes}
ServerLimit ${processes}
ThreadLimit ${THREADS}
ThreadsPerChild ${THREADS}
MaxRequestWorkers ${processes * THREADS}
MinSpareThreads 1
MaxSpareThreads ${processes * THREADS}
ScriptSock "${directory}/cgid.sock"
ScriptAlias "${site.mount}" "${site.path}"
<Location "${site.mount}">
  Require all granted
</Location>
${variables(site)}
`;
}

function variables({ environment }: CgiSite): string {
  return Object.entries(environment)
    .map(([name, value]) => `SetEnv ${name} "${value}"`)
    .join('\n');
}
