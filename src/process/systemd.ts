/** Socket activation: listening sockets that the service manager has opened for us (sd_listen_fds(3)). */
import { ConfigError } from '../errors.js';
import { formatReceived } from '../errors/received.js';

/** SD_LISTEN_FDS_START. */
const FIRST_FD = 3;

/** systemd 258 and later also name the process by its inode in pidfs. */
const VARIABLES = ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES', 'LISTEN_PIDFDID'];

type Environment = Record<string, string | undefined>;

/**
 * The descriptors that were passed to this process; [] if there are none, or if they were meant for another.
 *
 * Removes the variables, so that no program started by us takes the sockets for its own.
 *
 * @throws ConfigError `XGI_CONFIG_LISTEN_FDS`
 */
export function takeListenFds(env: Environment, pid: number): readonly number[] {
  const { LISTEN_PID: listenPid, LISTEN_FDS: listenFds } = env;
  for (const name of VARIABLES) delete env[name];
  if (listenFds === undefined || listenPid !== String(pid)) return [];
  if (!/^[0-9]{1,4}$/.test(listenFds)) {
    throw new ConfigError(
      'XGI_CONFIG_LISTEN_FDS',
      `the variable LISTEN_FDS: expected a number of sockets, received ${formatReceived(listenFds)}`,
    );
  }
  return Array.from({ length: Number(listenFds) }, (_, index) => FIRST_FD + index);
}
