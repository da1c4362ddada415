import { applications } from './applications.js';
import { cgiPrograms } from './cgi-programs.js';
import { contenders, tlsContenders } from './contenders/catalog.js';
import { cgiContenders } from './contenders/cgi/catalog.js';
import { staticContenders } from './contenders/static/catalog.js';
import { staticFiles } from './static-files.js';

/** What `--help` prints. */
export const usage = `usage: npm run bench -- COMMAND [flags]

commands
  wsgi         req/s, CPU, latency, errors and memory of each server against the baseline
  tls          the same over TLS (HTTP/1.1): Flask, against nginx with TLS + uWSGI
  middleware   a hello behind five middleware, against the same without, and against nginx with auth_basic and a log + uWSGI
  idle         idle keep-alive connections held: memory, and latency of new requests
  large        an upload, and a download to a slow client: growth of memory
  slow-heads   clients that send a head byte by byte: latency of a normal client
  cgi          CGI programs: the same as wsgi, against Apache mod_cgid and lighttpd mod_cgi
  cgi-delay    delay of the gateway's event loop while CGI requests come at a steady rate
  cgi-git      git push and git clone over git http-backend: time, and growth of memory
  static       files of 1 KB, 100 KB and 10 MB, against nginx, Caddy and Apache
  h2           a file of 1 KB over HTTP/2 with TLS, against nginx
  app          TypeScript applications: Hono on xgi against its own adapter, the shape of WSGI against a file
  compression  a JSON answer of 100 KB, gzip level 5, against nginx
  cache        a page of 4 KB from a CGI program, behind the cache, against a static file of its size
  routes       a configuration with 1,000 routes against one with 1: CPU of the server

flags
  --only A,B            these contenders only (all for wsgi, tls and cgi, else the baseline; cgi-delay, cgi-git: xgi;
                        static, h2: xgi,xgi-gateways; routes: thousand-routes;
                        app: xgi-fetch,xgi-thread,xgi-wsgi-shape)
  --baseline NAME       what the others are compared with (xgi; cgi: apache,lighttpd; cgi-git: apache;
                        static: nginx,caddy,apache; h2: nginx; routes: one-route;
                        app: hono-node,xgi-static; compression: nginx-gzip; cache: static-file)
  --apps A,B            these applications only, or programs of cgi, or files of static (all; tls: flask;
                        h2, routes: 1kb)
  --connections N,M     of the load (32; wsgi: 32,256; static: 8 for 10 MB); idle: held (10000); slow-heads: slow ones (1000)
  --rounds N            rounds of each pair (3; app, compression, cache: 5; routes: 10)
  --seconds S           of each round (2; cgi: 3); large: how long the client is slow (10);
                        slow-heads, cgi-delay: of each measurement (5; 20)
  --rate N              requests per second (500; cgi-delay)
  --streams N           at once on each connection (10; h2)
  --size MEBIBYTES      of each body (1024; large), of what is pushed (50; cgi-git)
  --workers N           of each server that has workers (2)
  --quick               a fast look: 1 round of 1 second, a tenth of the connections and of the size
  --json FILE           raw results
  --venv DIR            virtual environment of the WSGI contenders (.test-env/bench-venv)
  --python PROGRAM      interpreter to make it from (/usr/bin/python3, else python3)
  --no-build            use what is built already

contenders: ${namesOf(contenders)}
applications: ${namesOf(applications)}
contenders of cgi: ${namesOf(cgiContenders)}
programs of cgi: ${namesOf(cgiPrograms)}
contenders of tls: ${namesOf(tlsContenders)}
contenders of static: ${namesOf(staticContenders)}
files of static: ${namesOf(staticFiles)}
`;

function namesOf(all: readonly { readonly name: string }[]): string {
  return all.map(({ name }) => name).join(', ');
}
