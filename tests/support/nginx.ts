/** nginx, to compare with: one process that owns nothing outside its directory, for root and for anybody else. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { pollUntil } from './poll.js';
import { Program } from './process.js';
import { request } from './wsgi-client.js';

/** Debian's, which is on the PATH of root only. */
const COMMAND = '/usr/sbin/nginx';
const MEDIA_TYPES = '/etc/nginx/mime.types';
const ATTEMPTS = 5;

export interface Nginx {
  readonly port: number;
  stop(): Promise<void>;
}

/**
 * @param directory for its pid and temporary files
 * @param server what stands in the `server` block, beside `listen`
 */
export async function startNginx(directory: string, server: string): Promise<Nginx> {
  for (let attempt = 1; ; attempt++) {
    // It cannot be told to take any port: between our look and its bind another may take this one.
    const port = await freePort();
    const program = new Program(COMMAND, ['-e', 'stderr', '-c', writeConfiguration(directory, port, server)]);
    try {
      await untilServing(program, port);
      return { port, stop: () => program.stop('SIGTERM').then(() => {}) };
    } catch (error) {
      program.child.kill('SIGKILL');
      if (attempt === ATTEMPTS || !program.stderr.includes('Address already in use')) throw error;
    }
  }
}

/** `master_process off`: nothing is left when it is killed, and no other user is needed to read what a test has made. */
function writeConfiguration(directory: string, port: number, server: string): string {
  mkdirSync(directory, { recursive: true });
  const file = path.join(directory, 'nginx.conf');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  writeFileSync(
    file,
    `daemon off;
master_process off;
pid ${directory}/nginx.pid;
error_log stderr crit;
events {}
http {
  access_log off;
  include ${MEDIA_TYPES};
  default_type application/octet-stream;
  ${temporary.map((name) => `${name}_temp_path ${directory}/${name};`).join('\n  ')}
  server {
    listen 127.0.0.1:${port};
    ${server}
  }
}
`,
  );
  return file;
}

async function untilServing(program: Program, port: number): Promise<void> {
  let ended = false;
  void program.exited.then(() => (ended = true));
  // Or another server that has just taken the port.
  const isNginx = async (): Promise<boolean> =>
    (await request(port, '/')).headers.get('server')?.startsWith('nginx') === true;
  await pollUntil(async () => ended || (await isNginx()), { what: 'nginx to answer' });
  if (ended) throw new Error(`nginx did not start:\n${program.stderr}`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
