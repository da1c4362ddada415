/** What a process of ours is given that is to serve from our sockets. */
import type { ResolvedConfig } from '../config/resolve.js';
import type { Privileges } from '../process/privileges.js';
import type { Endpoint } from '../types.js';

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

/**
 * What a gateway is told that is one of several, first of all. It reads no configuration of its own: the file may be another one, or broken, by
 * the time that it is started.
 */
export interface ChildTask {
  readonly config: ResolvedConfig;
  /** Which of the gateways it is; 0 is the first. */
  readonly index: number;
  /** As in `LocalGatewayOptions`. */
  readonly canChange: boolean;
  /** Of the process that starts it. */
  readonly version: string;
  /** Who this process is, or will be. */
  readonly privileges: Privileges;
}

const GATEWAY_VARIABLE = 'XGI_GATEWAY';

/** The variable that makes a process a gateway of this one. */
export const CHILD_ENVIRONMENT: Readonly<Record<string, string>> = { [GATEWAY_VARIABLE]: '1' };

/** Takes the variable. @returns whether this process is a gateway of another */
export function takeChild(env: NodeJS.ProcessEnv): boolean {
  const isChild = env[GATEWAY_VARIABLE] !== undefined && process.send !== undefined;
  delete env[GATEWAY_VARIABLE];
  return isChild;
}
