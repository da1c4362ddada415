/** The flags and their help. gunicorn's names and letters where it has the flag; values are read by `config/`. */
import { Command } from 'commander';
import { DEFAULT_DEADLINES, DEFAULT_LIMITS, DEFAULTS } from '../config/defaults.js';

/** Group, then its flags: what commander parses, and what `--help` says. */
const FLAGS: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
  [
    'Listening:',
    [
      [
        '-b, --bind <address>',
        `HOST:PORT, [IPV6]:PORT, :PORT, unix:PATH or fd://NUMBER; repeatable (default: sockets of systemd, 0.0.0.0:$PORT, else ${DEFAULTS.host}:${DEFAULTS.port})`,
      ],
      [
        '--backlog <number>',
        `connections the system holds until they are accepted (default: ${DEFAULTS.backlog})`,
      ],
      [
        '--forwarded-allow-ips <list>',
        `proxies whose X-Forwarded-* fields count: addresses, ranges or * (default: $FORWARDED_ALLOW_IPS, else ${DEFAULTS.forwardedAllowIps})`,
      ],
      ['--proxy-protocol', 'each connection begins with a header of the PROXY protocol, version 1 or 2'],
      [
        '--proxy-allow-from <list>',
        `with --proxy-protocol, who may connect: addresses, ranges or * (default: ${DEFAULTS.proxyAllowFrom})`,
      ],
    ],
  ],
  [
    'TLS:',
    [
      ['--certfile <file>', 'a certificate and those that lead to its authority, in PEM form; repeatable'],
      ['--keyfile <file>', 'its private key (default: in the same file); repeatable, in the same order'],
      ['--ca-certs <file>', 'the authorities whose certificates clients may have'],
      ['--client-certs <which>', 'none, request or require (default: none)'],
      ['--tls-redirect <address>', 'listen there too, for plain HTTP, and send clients to https'],
      ['--hsts <seconds>', 'tell browsers to use nothing but https for so long'],
      ['--tls-local', 'a certificate for localhost, made by openssl: for development'],
    ],
  ],
  [
    'Application:',
    [
      [
        '-c, --config <file>',
        'xgi.config.ts, .js, .mjs, .yaml, .yml or .json: settings, under those of the command line; the word none for no file (default: the one in the working directory)',
      ],
      ['--chdir <directory>', 'run there; all relative paths are relative to it'],
      ['--pythonpath <directories>', 'put in front of sys.path, separated by commas'],
      ['-e, --env <name=value>', 'set a variable for the application, or for CGI programs; repeatable'],
      [
        '--python <interpreter>',
        'a path or a name (default: $VIRTUAL_ENV, .venv, venv, python3; with CGI programs python3)',
      ],
      [
        '--sendfile-root <folder>',
        'the application, or a program, may have files below it sent, with X-Sendfile; repeatable',
      ],
    ],
  ],
  [
    'Static files:',
    [
      ['--mount <path>', 'where they are served, or CGI programs (default: /)'],
      [
        '--index <name>',
        'what answers for its folder; repeatable (default: index.html; of CGI programs index.cgi)',
      ],
      ['--listing', 'a folder without one shows what is in it'],
      ['--spa <file>', 'answers for pages that there are no files for: /index.html'],
      [
        '--cache-control <pattern=value>',
        "the Cache-Control of what it fits, as '/assets/=max-age=31536000, immutable' or '*.html=no-cache'; repeatable, the first counts",
      ],
      ['--precompressed', 'send FILE.br, FILE.zst or FILE.gz beside a file to those who take it'],
      [
        '--error-page <status=file>',
        'what is sent with that status; repeatable (default: 404=/404.html, if it is there)',
      ],
    ],
  ],
  [
    'CGI programs:',
    [
      [
        '--pass-env <name>',
        'pass a variable of your own on to programs; repeatable. They get PATH, -e, and no others',
      ],
      [
        '--cgi-interpreter <.ending=program>',
        'what runs the files of an ending, executable or not: .pl=/usr/bin/perl; repeatable',
      ],
      [
        '--cgi-concurrency <number>',
        `programs at once; other requests wait (default: ${DEFAULTS.cgiConcurrency}, or 4 for each core)`,
      ],
      [
        '--cgi-timeout <duration>',
        `the longest a program may run; 0 for no limit (default: ${DEFAULTS.cgiTimeoutMs / 3_600_000}h)`,
      ],
      [
        '--cgi-idle-timeout <duration>',
        `the longest a program may write nothing; 0 for no limit (default: ${DEFAULTS.cgiIdleTimeoutMs / 1000}s)`,
      ],
      ['--no-cgi-warm', 'start an interpreter for each Python script, instead of a fork of one that runs'],
      ['--cgi-preload <modules>', 'imported once, in advance, for all Python scripts; separated by commas'],
      ['--cgi-index-query <program>', 'give it the words of a query without = as arguments; repeatable'],
      ['--cgi-pass-authorization', 'pass the field Authorization on'],
      ['--cgi-stream-body', 'start programs before large request bodies are complete'],
      ['--cgi-user <user>', 'run programs as this user; xgi has to be started as root'],
      ['--cgi-limit-cpu <seconds>', 'processor time of each program'],
      ['--cgi-limit-memory <size>', 'address space of each program'],
      ['--cgi-limit-files <number>', 'open files of each program'],
      ['--cgi-limit-processes <number>', 'processes that their user may have'],
    ],
  ],
  [
    'Workers:',
    [
      [
        '-w, --workers <number>',
        'processes; MIN..MAX for as many as are needed (default: one for each core)',
      ],
      ['--threads <number>', `requests that one worker runs at a time (default: ${DEFAULTS.threads})`],
      [
        '-t, --timeout <duration>',
        `the deadline of each request: 504 if its answer has not begun; an answer may not pause for longer; 0 for none (default: ${DEFAULTS.timeoutMs / 1000}s)`,
      ],
      [
        '--queue-timeout <duration>',
        `the longest a request may wait for a worker, or for a place for its program: 503; 0 for no limit (default: ${DEFAULTS.queueTimeoutMs / 1000}s)`,
      ],
      [
        '--graceful-timeout <duration>',
        `for requests to finish after SIGTERM, or in a worker that is replaced (default: ${DEFAULTS.gracefulTimeoutMs / 1000}s)`,
      ],
    ],
  ],
  [
    'Life of workers:',
    [
      ['--preload', 'load the application once, and fork the workers from there'],
      ['--reload', 'reload when a file that the application imported changes'],
      ['--reload-extra-file <file>', 'with --reload, also when this one changes; repeatable'],
      ['--max-requests <number>', 'replace a worker after so many requests (default: never)'],
      ['--max-requests-jitter <number>', 'up to so many more, at random (default: 0)'],
      ['--max-worker-age <duration>', 'replace a worker after this time (default: never)'],
      ['--max-worker-rss <size>', 'replace a worker that holds more memory (default: never)'],
    ],
  ],
  [
    'Processes:',
    [
      [
        '--gateways <number>',
        `processes that accept connections, each with its share of the workers (default: ${DEFAULTS.gateways})`,
      ],
      ['-u, --user <user>', 'run as this user once the sockets are bound'],
      ['-g, --group <group>', "run as this group (default: the user's)"],
      ['-m, --umask <mode>', 'octal, for files that the application makes'],
      ['--allow-root', 'let the application, or CGI programs, run as root'],
      [
        '--control-socket <path>',
        'where xgi status, reload, stop and scale reach it; the word none for no socket (default: PID.sock in a folder of the user)',
      ],
    ],
  ],
  [
    'Limits for clients:',
    [
      [
        '--keep-alive <duration>',
        `between two requests; 0 closes each connection (default: ${DEFAULT_DEADLINES.keepAliveMs / 1000}s)`,
      ],
      ['--limit-request-line <bytes>', `the request line (default: ${DEFAULT_LIMITS.maxRequestLineBytes})`],
      ['--limit-request-fields <number>', `header fields (default: ${DEFAULT_LIMITS.maxFields})`],
      ['--limit-request-field-size <bytes>', `one header field (default: ${DEFAULT_LIMITS.maxFieldBytes})`],
      [
        '--max-body-size <size>',
        `the body; 0 for no limit (default: ${DEFAULT_LIMITS.maxBodyBytes / 2 ** 30}gb)`,
      ],
    ],
  ],
  [
    'Logs:',
    [
      ['--access-logfile <file>', '- is standard output (default: no access log)'],
      ['--access-logformat <format>', "gunicorn's or Apache's, or json (default: gunicorn's)"],
      ['--log-level <level>', `debug, info, warning, error or critical (default: ${DEFAULTS.logLevel})`],
      ['-p, --pid <file>', 'holds the process id while the server runs'],
      ['--dev', 'for development: errors tell the client what went wrong inside'],
      ['--validate', 'for development: the WSGI application is checked against PEP 3333; a violation is 500'],
    ],
  ],
];

const REPEATABLE =
  /--(bind|env|reload-extra-file|pass-env|cgi-interpreter|cgi-index-query|sendfile-root|certfile|keyfile|index|cache-control|error-page) /;

const EXAMPLES = `
Durations are seconds, or 500ms, 30s, 2m. Sizes are bytes, or 64kb, 10mb, 1gb.
The variable XGI_CMD_ARGS may hold flags too, and XGI_WORKERS the value of
--workers, and so on; those on the command line win.

Commands that serve nothing, with the same flags:
  xgi check                               whether everything can be served
  xgi routes                              what goes where, in order
  xgi init                                writes that, and the flags, to a file

Commands for an xgi that runs:
  xgi status                              workers, queue, requests that run
  xgi reload                              the code as it is now takes over
  xgi scale 4                             so many workers; or 2..8
  xgi stop                                waits for the end; also --quick
  xgi help stop                           the flags of a command

Examples:
  xgi                                     what lies in this folder
  xgi wsgi:app                            the callable app of wsgi.py
  xgi mysite.wsgi -b :80 -w 4             a Django project
  xgi 'shop:create_app()' -b unix:/run/shop.sock
  xgi ./cgi-bin --mount /cgi-bin          a folder of CGI programs
  xgi static ./public                     a folder of files
  xgi app ./app.ts                        a TypeScript application
`;

/** Exits and prints nothing by itself but help and version: errors are thrown as CommanderError. */
export function createProgram(version: string): Command {
  const program = new Command('xgi')
    .usage(
      '[flags] [TARGET]\n       xgi wsgi|cgi|static|app [flags] TARGET\n       xgi check|routes|init [flags] [TARGET]\n       xgi status|reload|stop|scale [flags]',
    )
    .description(
      'Serves a WSGI application, CGI programs, static files or a TypeScript application. TARGET is MODULE:CALLABLE, MODULE, MODULE:FACTORY(), path/to/FILE.py[:CALLABLE], a folder of CGI programs, one program, a folder of files, path/to/FILE.ts or .js, or a project. Without it, a configuration file says what is served, or what lies in this folder.',
    )
    .argument('[words...]')
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .configureHelp({ visibleArguments: () => [] })
    .addHelpText('after', EXAMPLES);
  for (const [group, flags] of FLAGS) {
    program.optionsGroup(group);
    for (const [flag, text] of flags) {
      if (REPEATABLE.test(flag))
        program.option(flag, text, (value: string, values: string[] = []) => [...values, value]);
      else program.option(flag, text);
    }
  }
  return program
    .optionsGroup('Other:')
    .option('--check-config', 'the same as xgi check')
    .option('--format <format>', 'with xgi init: ts or yaml (default: ts beside a package.json)')
    .option('--force', 'with xgi init: replace the file that is there')
    .option('--print', 'with xgi check: print the settings that are used instead, defaults too')
    .version(`xgi ${version}`, '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print this');
}
