/** A configuration of nginx for speed: no log, long keep-alive, answers of 100 KB stay in memory. */

export interface NginxSetup {
  readonly port: number;
  readonly workers: number;
  readonly keepAliveSeconds: number;
  readonly scratchDirectory: string;
  readonly socketPath: string;
}

export function nginxConfiguration(setup: NginxSetup): string {
  return `
daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes ${setup.workers};
worker_rlimit_nofile 20000;
pid ${setup.scratchDirectory}/nginx-${setup.port}.pid;
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
  client_body_temp_path ${setup.scratchDirectory}/nginx-body;
  proxy_temp_path ${setup.scratchDirectory}/nginx-proxy;
  fastcgi_temp_path ${setup.scratchDirectory}/nginx-fastcgi;
  scgi_temp_path ${setup.scratchDirectory}/nginx-scgi;
  uwsgi_temp_path ${setup.scratchDirectory}/nginx-uwsgi;
  uwsgi_buffer_size 16k;
  uwsgi_buffers 16 16k;
  uwsgi_busy_buffers_size 64k;
  server {
    listen 127.0.0.1:${setup.port} backlog=4096;
    location / {
      uwsgi_pass unix:${setup.socketPath};
      uwsgi_param QUERY_STRING $query_string;
      uwsgi_param REQUEST_METHOD $request_method;
      uwsgi_param CONTENT_TYPE $content_type;
      uwsgi_param CONTENT_LENGTH $content_length;
      uwsgi_param REQUEST_URI $request_uri;
      uwsgi_param PATH_INFO $document_uri;
      uwsgi_param DOCUMENT_ROOT $document_root;
      uwsgi_param SERVER_PROTOCOL $server_protocol;
      uwsgi_param REQUEST_SCHEME $scheme;
      uwsgi_param REMOTE_ADDR $remote_addr;
      uwsgi_param REMOTE_PORT $remote_port;
      uwsgi_param SERVER_PORT $server_port;
      uwsgi_param SERVER_NAME $server_name;
    }
  }
}
`;
}
