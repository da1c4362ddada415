/** nginx in front of uWSGI over a Unix-domain socket: the usual deployment. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { credentials, passwordFile } from '../credentials.js';
import type { ServerProcess } from '../processes/server-process.js';
import { cpuMicroseconds, processTree, programName } from '../processes/process-table.js';
import { startProgram, type Contender, type RunningServer } from './contender.js';
import { nginxConfiguration } from './nginx-configuration.js';
import { nginxVersion } from './nginx-version.js';
import { uwsgiArguments, uwsgiCommand, uwsgiMissing, uwsgiVersion } from './uwsgi.js';

export const nginxUwsgi = behindNginx({ name: 'nginx-uwsgi', setUp: '', guard: () => '' });

/** With a password and a log. */
export const nginxUwsgiGuarded = behindNginx({
  name: 'nginx-uwsgi-auth',
  setUp: ', auth_basic ({SHA}), access_log to a file',
  guard: (directory) => `
    auth_basic "${credentials.realm}";
    auth_basic_user_file ${passwordFile(directory)};
    access_log ${directory}/nginx-access.log combined;
`,
});

interface Front {
  readonly name: string;
  /** What is special, for the tables. */
  readonly setUp: string;
  /** Directives in front of the application. */
  readonly guard: (directory: string) => string;
}

function behindNginx({ name, setUp, guard }: Front): Contender {
  return {
    name,
    version: (environment) => {
      return `${nginxVersion(environment)} + ${uwsgiVersion(uwsgiCommand(environment))}`;
    },
    settings: (workers) =>
      `${workers} nginx workers, uwsgi_pass over a Unix socket, ${workers} uWSGI processes with master${setUp}`,
    missing: (environment) =>
      environment.nginx ? uwsgiMissing(environment) : "Debian's package nginx-light is not installed",
    async start(request) {
      const { scratchDirectory, nginx = '' } = request.environment;
      const socketPath = join(scratchDirectory, `uwsgi-${request.port}.sock`);
      const { program = '', args = [] } = uwsgiCommand(request.environment) ?? {};
      const socket = ['--socket', socketPath, '--chmod-socket=666'];
      const backend = await startProgram(program, [...args, ...socket, ...uwsgiArguments(request)], {
        cwd: scratchDirectory,
        accepts: { path: socketPath },
      });
      const configurationPath = join(scratchDirectory, `nginx-${request.port}.conf`);
      const { port, workers, keepAliveSeconds, certificate } = request;
      const content = guard(scratchDirectory) + passTo(socketPath);
      writeFileSync(
        configurationPath,
        nginxConfiguration({ port, workers, keepAliveSeconds, scratchDirectory, certificate, content }),
      );
      try {
        const front = await startProgram(nginx, ['-c', configurationPath, '-p', scratchDirectory], {
          cwd: scratchDirectory,
          accepts: { port: request.port },
        });
        return serverOfBoth(front, backend, request.port);
      } catch (error) {
        await backend.stop();
        throw error;
      }
    },
  };
}

/** Answers of 100 KB stay in memory. */
function passTo(socketPath: string): string {
  return `
    uwsgi_buffer_size 16k;
    uwsgi_buffers 16 16k;
    uwsgi_busy_buffers_size 64k;
    location / {
      uwsgi_pass unix:${socketPath};
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
`;
}

function serverOfBoth(front: ServerProcess, backend: ServerProcess, port: number): RunningServer {
  const pids = (): number[] => processTree([front.pid, backend.pid]).map((entry) => entry.pid);
  return {
    port,
    pids,
    cpuMicroseconds: () => cpuMicroseconds([front.pid, backend.pid]),
    roles() {
      const all = pids();
      const isFront = (pid: number): boolean => programName(pid).startsWith('nginx');
      return { gateway: all.filter(isFront), workers: all.filter((pid) => !isFront(pid)) };
    },
    async stop() {
      await front.stop();
      await backend.stop();
    },
  };
}
