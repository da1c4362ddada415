/** What a process of ours is given that is to serve from our sockets. */
import type { Privileges } from '../process/privileges.js';
import type { Endpoint, WorkerRange } from '../types.js';

/** Standard streams, then the channel, then the sockets. */
export const FIRST_SOCKET_FD = 4;

/** What a process needs to accept from the sockets of another. */
export interface Inheritance {
  /** In the process that has them. */
  readonly fds: readonly number[];
  /** What was listened on, in the same order. */
  readonly endpoints: readonly Endpoint[];
}

/** The endpoints as a process finds them that was started with these descriptors behind its channel. */
export function passedOn({ endpoints }: Inheritance): Endpoint[] {
  return endpoints.map((endpoint, index) => ({
    kind: 'fd',
    fd: FIRST_SOCKET_FD + index,
    ...roleOf(endpoint),
    ...('path' in endpoint && endpoint.path !== undefined ? { path: endpoint.path } : {}),
  }));
}

/** The same for a process that has these sockets as one of several: the paths are not its to remove. */
export function shared({ endpoints }: Inheritance): Endpoint[] {
  return endpoints.map((endpoint, index) => ({
    kind: 'fd',
    fd: FIRST_SOCKET_FD + index,
    ...roleOf(endpoint),
  }));
}

function roleOf({ redirects }: Endpoint): Pick<Endpoint, 'redirects'> {
  return redirects === true ? { redirects } : {};
}

/** What a gateway is told that is one of several. */
export interface ChildTask {
  /** Its share. */
  readonly workers: WorkerRange;
  /** Who this process is, or will be. */
  readonly privileges: Privileges;
}

const GATEWAY_VARIABLE = 'XGI_GATEWAY';

/** The variable that makes a process a gateway of this one. */
export function childEnvironment(task: ChildTask): Record<string, string> {
  return { [GATEWAY_VARIABLE]: JSON.stringify(task) };
}

/** Takes the variable. @returns undefined if this process is not a gateway of another */
export function takeChildTask(env: NodeJS.ProcessEnv): ChildTask | undefined {
  const text = env[GATEWAY_VARIABLE];
  delete env[GATEWAY_VARIABLE];
  return text === undefined || process.send === undefined ? undefined : (JSON.parse(text) as ChildTask);
}
