/** The command `xgi wsgi TARGET`, and `xgi TARGET`: resolves the configuration, then checks it or serves. */
import { compileAccessLogFormat, type FormatLine } from '../observe/access-log-format.js';
import { resolveConfig, type ResolveContext, type ResolvedConfig } from '../config/resolve.js';
import { ConfigError } from '../errors.js';
import { resolvePrivileges } from '../process/privileges.js';
import { checkLauncher as checkRootsLauncher } from '../process/program-user.js';
import { takeListenFds } from '../process/systemd.js';
import { takeChildTask } from '../service/child-task.js';
import { takePredecessor } from '../service/handover.js';
import type { CommandLine } from './command-line.js';

/** @returns the exit status */
export async function runWsgi(
  { config: user, checkConfig, nameOf }: CommandLine,
  version: string,
): Promise<number> {
  const cwd = process.cwd();
  const task = takeChildTask(process.env);
  const predecessor = takePredecessor(process.env);
  const inheritedFds = takeListenFds(process.env, process.pid);
  const runAs: ResolveContext['runAs'] = (wanted) => {
    const { uid, gid, env } = resolvePrivileges(wanted, { nameOf });
    return uid === null || gid === null ? undefined : { uid, gid, env };
  };
  const checkLauncher: ResolveContext['checkLauncher'] = (python, cgiUser) =>
    checkRootsLauncher({ user: cgiUser, python, name: nameOf('cgiUser') });
  const config = await resolveConfig(user, {
    cwd,
    env: process.env,
    inheritedFds,
    runAs,
    checkLauncher,
    nameOf,
  });
  const formatLine = compileFormat(config, nameOf('accessLogformat'));
  if (task !== undefined) {
    const { runGatewayChild } = await import('../service/gateway-child.js');
    return await runGatewayChild({ task, config, formatLine, version });
  }
  if (checkConfig) {
    const { check } = await import('./check.js');
    return await check({ config, version, nameOf });
  }
  const { serve } = await import('../service/serve.js');
  return await serve({ config, formatLine, version, nameOf, cwd, predecessor });
}

/** Also for a gateway without an access log: a mistake is found now, not when the log is wanted. */
function compileFormat({ accessLog }: ResolvedConfig, flag: string): FormatLine {
  try {
    return compileAccessLogFormat(accessLog.format);
  } catch (error) {
    if (error instanceof ConfigError) throw new ConfigError(error.code, `${flag}: ${error.message}`);
    throw error;
  }
}
