/** Whom the workers of an application run as that has a user of its own, and what starts them. */
import { rootsPython } from '../process/program-user.js';
import { checkRoot, needsOf, outOfReach, type Privileges, resolvePrivileges } from '../process/privileges.js';
import type { WorkerProgram } from '../workers/worker-process.js';
import { WorkerSpawner } from '../workers/worker-spawner.js';
import type { ApplicationOptions } from './application.js';

export interface WorkerUser {
  readonly privileges: Privileges;
  readonly uid: number;
  readonly gid: number;
}

/**
 * @returns undefined if they run as the gateway does
 * @throws ConfigError `XGI_PRIVILEGES`, `XGI_CONFIG_VALUE`, `XGI_ROOT`
 */
export function workerUserOf({ config, log }: ApplicationOptions): WorkerUser | undefined {
  if (!config.hasOwnUser) return undefined;
  // Without root, this process is that user, or it is refused.
  const privileges = resolvePrivileges(config.privileges, { nameOf });
  const { allowRoot } = config.privileges;
  const warning = checkRoot({ subject: 'the application', privileges, allowRoot, nameOf });
  if (warning !== undefined) log.warn(warning);
  if (process.geteuid!() !== 0) return undefined;
  const { uid, gid } = privileges;
  return { privileges, uid: uid ?? process.geteuid!(), gid: gid ?? process.getegid!() };
}

/** Makes it; starts nothing. @throws ConfigError `XGI_PRIVILEGES` if there is no interpreter for it */
export function createSpawner(
  { config, privileges: gateway, log, onLost }: ApplicationOptions,
  { privileges, uid, gid }: WorkerUser,
  program: WorkerProgram,
): WorkerSpawner {
  const { user } = config.privileges;
  const { python, cwd } = program;
  return new WorkerSpawner({
    python: rootsPython({ user: user ?? String(uid), python, name: nameOf('user') }),
    program,
    user: { uid, gid, account: privileges.groupsOf },
    gatewayUid: gateway.uid ?? process.geteuid!(),
    umask: privileges.umask,
    needs: needsOf({ directory: cwd, python, program: program.program }),
    describeNeed: (what, code) => outOfReach(privileges, what, code).message,
    log,
    onLost: () => onLost?.(),
  });
}

/** In apps, where it was found to be good. */
function nameOf(option: 'user' | 'group' | 'allowRoot'): string {
  return option === 'allowRoot' ? '--allow-root' : option;
}
