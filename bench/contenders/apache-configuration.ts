/** What every configuration of Apache httpd has here: the event MPM, no access log, long keep-alive, no .htaccess files looked for. */

export interface ApacheSetup {
  readonly port: number;
  readonly keepAliveSeconds: number;
  /** Of its own: process id, socket, locks and error log. */
  readonly directory: string;
  /** Beside the event MPM and authz_core: names without `mod_`. */
  readonly modules: readonly string[];
  /** Of the event MPM, and what it serves: directives. */
  readonly content: string;
}

const MODULES = '/usr/lib/apache2/modules';

export function apacheConfiguration(setup: ApacheSetup): string {
  const { port, keepAliveSeconds, directory, modules, content } = setup;
  return `
ServerRoot "${directory}"
ServerName localhost
PidFile "${directory}/httpd.pid"
Mutex "file:${directory}" default
ErrorLog "${directory}/error.log"
LogLevel error
Listen 127.0.0.1:${port}
${['mpm_event', 'authz_core', ...modules].map(loadModule).join('\n')}
${process.getuid?.() === 0 ? 'User www-data\nGroup www-data' : ''}
MaxConnectionsPerChild 0
ListenBacklog 4096
KeepAlive On
KeepAliveTimeout ${keepAliveSeconds}
MaxKeepAliveRequests 0
<Directory "/">
  AllowOverride None
</Directory>
${content}
`;
}

function loadModule(name: string): string {
  return `LoadModule ${name}_module ${MODULES}/mod_${name}.so`;
}
