/** A configuration of nginx for speed: no log, long keep-alive. */
import type { Certificate } from '../environment/certificate.js';

export interface NginxSetup {
  readonly port: number;
  readonly workers: number;
  readonly keepAliveSeconds: number;
  readonly scratchDirectory: string;
  /** For TLS 1.3. */
  readonly certificate: Certificate | undefined;
  /** Of `listen`: `http2`. */
  readonly protocol?: 'http2';
  /** What its one server does: directives. */
  readonly content: string;
}

export function nginxConfiguration(setup: NginxSetup): string {
  const { port, scratchDirectory, certificate, protocol = '' } = setup;
  return `
daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes ${setup.workers};
worker_rlimit_nofile 20000;
pid ${scratchDirectory}/nginx-${port}.pid;
error_log stderr error;
events { worker_connections 12000; }
http {
  access_log off;
  tcp_nodelay on;
  server_tokens off;
  default_type application/octet-stream;
  keepalive_timeout ${setup.keepAliveSeconds}s;
  keepalive_requests 100000000;
  client_max_body_size 0;
  client_body_buffer_size 64k;
  client_body_temp_path ${scratchDirectory}/nginx-body;
  proxy_temp_path ${scratchDirectory}/nginx-proxy;
  fastcgi_temp_path ${scratchDirectory}/nginx-fastcgi;
  scgi_temp_path ${scratchDirectory}/nginx-scgi;
  uwsgi_temp_path ${scratchDirectory}/nginx-uwsgi;
  server {
    listen 127.0.0.1:${port} ${certificate ? 'ssl' : ''} ${protocol} backlog=4096;
    ${certificate ? tls(certificate) : ''}
    ${setup.content}
  }
}
`;
}

function tls({ certificatePath, keyPath }: Certificate): string {
  return `
    ssl_certificate ${certificatePath};
    ssl_certificate_key ${keyPath};
    ssl_protocols TLSv1.3;
`;
}
