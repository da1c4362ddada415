/** A configuration of lighttpd for CGI: no access log, long keep-alive. */
import type { CgiSite } from './cgi-contender.js';

export interface LighttpdSetup {
  readonly port: number;
  readonly workers: number;
  readonly keepAliveSeconds: number;
  readonly site: CgiSite;
  /** For request bodies. */
  readonly directory: string;
}

export function lighttpdConfiguration(setup: LighttpdSetup): string {
  const { port, workers, keepAliveSeconds, site, directory } = setup;
  return `
server.modules = ("mod_alias", "mod_setenv", "mod_cgi")
server.bind = "127.0.0.1"
server.port = ${port}
server.document-root = "${directory}"
server.upload-dirs = ("${directory}")
server.max-worker = ${workers}
server.max-fds = 16384
server.listen-backlog = 4096
server.max-keep-alive-requests = 100000000
server.max-keep-alive-idle = ${keepAliveSeconds}
alias.url = ("${site.mount}" => "${site.path}")
$HTTP["url"] =~ "^${site.mount}/" {
  cgi.assign = ("" => "")
  setenv.set-environment = (${variables(site)})
}
`;
}

function variables({ environment }: CgiSite): string {
  return Object.entries(environment)
    .map(([name, value]) => `"${name}" => "${value}"`)
    .join(', ');
}
