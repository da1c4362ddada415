/** nginx in front of uWSGI over a Unix-domain socket: the usual deployment. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerProcess } from '../processes/server-process.js';
import { cpuMicroseconds, processTree, programName } from '../processes/process-table.js';
import { firstLineOf } from '../environment/programs.js';
import { startProgram, type Contender, type RunningServer } from './contender.js';
import { nginxConfiguration } from './nginx-configuration.js';
import { uwsgiArguments, uwsgiCommand, uwsgiMissing, uwsgiVersion } from './uwsgi.js';

export const nginxUwsgi: Contender = {
  name: 'nginx-uwsgi',
  version: (environment) => {
    const nginx = firstLineOf(environment.nginx ?? '', ['-v']).replace(/^.*nginx\//, 'nginx ');
    return `${nginx} + ${uwsgiVersion(uwsgiCommand(environment))}`;
  },
  settings: (workers) =>
    `${workers} nginx workers, uwsgi_pass over a Unix socket, ${workers} uWSGI processes with master`,
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
    writeFileSync(configurationPath, nginxConfiguration({ ...request, scratchDirectory, socketPath }));
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
