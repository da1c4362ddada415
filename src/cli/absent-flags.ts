/** Flags of gunicorn that this version has not, and what to do instead. docs/reference/cli.md shows the same table. */

export interface AbsentFlag {
  /** All its names: `-k`, `--worker-class`. */
  readonly names: readonly string[];
  /** One sentence, without its first capital and its full stop. */
  readonly instead: string;
}

export const ABSENT_FLAGS: readonly AbsentFlag[] = [
  {
    names: ['-k', '--worker-class'],
    instead:
      'there is one kind of worker, which waits for no client; leave it out, and use --threads for an application that waits itself',
  },
  {
    names: ['--worker-connections'],
    instead: 'connections are held by the gateway and not by workers; leave it out',
  },
  {
    names: ['--reuse-port'],
    instead: 'one process accepts all connections; leave it out',
  },
  {
    names: ['--cert-reqs'],
    instead: 'it is called --client-certs, and is none, request or require',
  },
  {
    names: ['--ssl-version', '--ciphers', '--do-handshake-on-connect', '--suppress-ragged-eofs'],
    instead: 'it speaks TLS 1.2 and later, with what Node holds safe; leave it out',
  },
  {
    names: ['-D', '--daemon'],
    instead: 'it stays in the foreground; run it under systemd or another service manager',
  },
  {
    names: ['-n', '--name'],
    instead: 'it does not rename its process; leave it out, and find it with --pid',
  },
  {
    names: ['--error-logfile', '--log-file'],
    instead: 'the program log goes to standard error; redirect it, as in 2>>error.log',
  },
  {
    names: ['--capture-output', '-R', '--enable-stdio-inheritance'],
    instead: 'what the application prints reaches the output of xgi always; leave it out',
  },
  {
    names: ['--logger-class', '--log-config', '--log-config-json', '--log-syslog', '--statsd-host'],
    instead: 'logs go to standard error and to --access-logfile; collect them from there',
  },
  {
    names: ['--preload-app'],
    instead: 'it is called --preload',
  },
  {
    names: ['--reload-engine'],
    instead: 'files are watched by the means of the system; leave it out',
  },
  {
    names: ['--initgroups'],
    instead: '--user takes the groups of the user with it; leave it out',
  },
  {
    names: ['--worker-tmp-dir'],
    instead: 'set the variable TMPDIR',
  },
];

/** The row of a word that the command line does not know: `-k`, `-kgevent`, `--max-requests=9`. */
export function findAbsentFlag(word: string): { name: string; instead: string } | undefined {
  const name = word.startsWith('--') ? word.replace(/=.*$/s, '') : word.slice(0, 2);
  const flag = ABSENT_FLAGS.find(({ names }) => names.includes(name));
  return flag && { name, instead: flag.instead };
}
