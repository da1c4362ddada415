/** Why a program could not be started, by the system's name of the error, as what the client and the administrator are told. */
import { GatewayError } from '../errors.js';

interface Explanation {
  readonly status: number;
  readonly code: GatewayError['code'];
  readonly fix: string;
}

const NO_ROOM: Explanation = {
  status: 503,
  code: 'XGI_CGI_START',
  fix: 'the machine has too little of something for so many programs; lower --cgi-concurrency, or raise its limits',
};

const EXPLANATIONS: ReadonlyMap<string, Explanation> = new Map(
  Object.entries({
    ENOENT: {
      status: 500,
      code: 'XGI_CGI_BAD_INTERPRETER',
      fix: 'the program, its folder or the interpreter of its first line is not there (any more)',
    },
    EACCES: {
      status: 500,
      code: 'XGI_CGI_NO_EXEC',
      fix: 'whom programs run as must be able to execute it and its interpreter, and to enter its folder; run chmod +x, or name another user with --cgi-user',
    },
    ENOEXEC: {
      status: 500,
      code: 'XGI_CGI_NO_SHEBANG',
      fix: 'it is no binary for this machine, and does not begin with a line like #!/bin/sh',
    },
    E2BIG: {
      status: 500,
      code: 'XGI_CGI_START',
      fix: 'its variables are larger than the system allows; lower --limit-request-field-size or what -e and --pass-env give it',
    },
    EAGAIN: NO_ROOM,
    EMFILE: NO_ROOM,
    ENFILE: NO_ROOM,
    ENOMEM: NO_ROOM,
  }),
);

const UNKNOWN: Explanation = { status: 500, code: 'XGI_CGI_START', fix: 'the system refuses to start it' };

/** @param name of the system's error: `ENOENT` */
export function startFailure(name: string, message: string): GatewayError {
  const { status, code, fix } = EXPLANATIONS.get(name) ?? UNKNOWN;
  return new GatewayError(status, code, `the program cannot be started: ${message} (${name}): ${fix}`);
}
