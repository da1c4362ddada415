/** A configuration of Apache httpd for CGI: no access log, long keep-alive, no .htaccess files looked for. */
import type { CgiSite } from './cgi-contender.js';

export interface ApacheSetup {
  readonly port: number;
  readonly processes: number;
  readonly keepAliveSeconds: number;
  readonly site: CgiSite;
  /** Of its own: process id, socket, locks and error log. */
  readonly directory: string;
}

const MODULES = '/usr/lib/apache2/modules';
/** A thread is taken while a program runs; with fewer than connections, Apache closes connections. */
const THREADS = 256;

export function apacheConfiguration(setup: ApacheSetup): string {
  const { port, processes, keepAliveSeconds, site, directory } = setup;
  return `
ServerRoot "${directory}"
ServerName localhost
PidFile "${directory}/httpd.pid"
Mutex "file:${directory}" default
ScriptSock "${directory}/cgid.sock"
ErrorLog "${directory}/error.log"
LogLevel error
Listen 127.0.0.1:${port}
LoadModule mpm_event_module ${MODULES}/mod_mpm_event.so
LoadModule authz_core_module ${MODULES}/mod_authz_core.so
LoadModule alias_module ${MODULES}/mod_alias.so
LoadModule env_module ${MODULES}/mod_env.so
LoadModule cgid_module ${MODULES}/mod_cgid.so
${process.getuid?.() === 0 ? 'User www-data\nGroup www-data' : ''}
StartServers ${processes}
ServerLimit ${processes}
ThreadLimit ${THREADS}
ThreadsPerChild ${THREADS}
MaxRequestWorkers ${processes * THREADS}
MinSpareThreads 1
MaxSpareThreads ${processes * THREADS}
MaxConnectionsPerChild 0
ListenBacklog 4096
KeepAlive On
KeepAliveTimeout ${keepAliveSeconds}
MaxKeepAliveRequests 0
ScriptAlias "${site.mount}" "${site.path}"
<Location "${site.mount}">
  Require all granted
</Location>
<Directory "/">
  AllowOverride None
</Directory>
${variables(site)}
`;
}

function variables({ environment }: CgiSite): string {
  return Object.entries(environment)
    .map(([name, value]) => `SetEnv ${name} "${value}"`)
    .join('\n');
}
