/**
 * What programs that the gateway starts are given of its own environment: everything but what was meant for the gateway
 * itself. docs/operate/privileges.md shows the same list to people.
 */

type Environment = Readonly<Record<string, string | undefined>>;

/** Removed under exactly this name. */
const NAMES: ReadonlySet<string> = new Set([
  // Sockets of systemd. Not LISTEN_*: an application may have a LISTEN_ADDRESS of its own.
  'LISTEN_PID',
  'LISTEN_FDS',
  'LISTEN_FDNAMES',
  'LISTEN_PIDFDID',
  // The line to systemd: who has it can end the service or declare another process its main one.
  'NOTIFY_SOCKET',
  'WATCHDOG_USEC',
  'WATCHDOG_PID',
  'MAINPID',
  // The channel to a Node process that started this one. A Node program that the application starts would take a
  // descriptor of its own for it.
  'NODE_CHANNEL_FD',
  'NODE_CHANNEL_SERIALIZATION_MODE',
  'NODE_UNIQUE_ID',
  // Options of the gateway's Node. A Node program that the application starts would open the same debugger port or
  // load the same instrumentation. NODE_ENV, NODE_PATH and NODE_EXTRA_CA_CERTS say something about the machine, and stay.
  'NODE_OPTIONS',
  // Who has started the gateway, and with which flags: programs (git) act for that person, who is long gone.
  // Not SUDO_*: SUDO_ASKPASS and SUDO_PROMPT are settings.
  'SUDO_COMMAND',
  'SUDO_USER',
  'SUDO_UID',
  'SUDO_GID',
  'SUDO_HOME',
]);

/**
 * Of these, everything: XGI_CMD_ARGS and all settings; npm's own, by which `npm start` and `npx` hand on
 * the whole npm configuration, passwords of registries and proxies included. npm reads NPM_CONFIG_* in any case; NPM_TOKEN
 * is not npm's, and stays.
 */
const PREFIX = /^(?:XGI_|npm_)/;
const NPM_SETTING = /^npm_config_/i;

/** A copy without the gateway's own variables, and without those that are undefined. */
export function cleanEnvironment(env: Environment): Record<string, string> {
  const kept = Object.entries(env).filter(([name, value]) => value !== undefined && !isOwn(name));
  return Object.fromEntries(kept) as Record<string, string>;
}

function isOwn(name: string): boolean {
  return NAMES.has(name) || PREFIX.test(name) || NPM_SETTING.test(name);
}
