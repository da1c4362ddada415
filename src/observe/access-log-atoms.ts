/**
 * What a line of the access log can hold: the atoms of gunicorn (`%(h)s`) and the directives of Apache's
 * mod_log_config (`%h`), which share letters but not always their meaning.
 *
 * An atom returns plain text. Whether a client has a hand in it is said by `trusted`, and the format escapes it.
 */
import { originalRequest } from '../http/derived-request.js';
import { foundIdentity } from '../http/found-identity.js';
import type { GatewayRequest } from '../types.js';
import type { RequestFinish } from './channels.js';
import { formatClfTime } from './timestamp.js';

export interface Atom {
  /** Nobody outside can choose any character of the text. */
  readonly trusted: boolean;
  readonly text: (finish: RequestFinish) => string;
}

/** Makes an atom from what stands in its braces: `%{Referer}i`. undefined if it makes no sense. */
export type AtomMaker = (argument: string) => Atom | undefined;

/** Stands for a value that is not there. */
export const ABSENT = '-';

const chosen = (text: Atom['text']): Atom => ({ trusted: false, text });
const trusted = (text: Atom['text']): Atom => ({ trusted: true, text });

// Addresses come from X-Forwarded-For too, so they are not trusted.
const client = chosen(({ request, peer }) => (request?.clientAddress ?? peer.remoteAddress) || ABSENT);
const absent = trusted(() => ABSENT);
const user = chosen(
  ({ request }) => authenticatedUser(request) ?? basicUser(request?.field('authorization')) ?? ABSENT,
);
const time = trusted(() => `[${formatClfTime(Date.now())}]`);
const requestLine = chosen(({ request }) =>
  request === null ? ABSENT : `${request.method} ${request.target} HTTP/${request.httpVersion}`,
);
const method = chosen(({ request }) => request?.method ?? ABSENT);
const path = chosen(({ request }) => request?.path ?? ABSENT);
const protocol = trusted(({ request }) => (request === null ? ABSENT : `HTTP/${request.httpVersion}`));
const status = trusted((finish) => String(finish.status));
const bytes = trusted((finish) => String(finish.bodyBytes));
const bytesOrDash = trusted((finish) => (finish.bodyBytes === 0 ? ABSENT : String(finish.bodyBytes)));
const seconds = trusted((finish) => String(Math.floor(finish.durationMs / 1000)));
const decimalSeconds = trusted((finish) => (finish.durationMs / 1000).toFixed(6));
const milliseconds = trusted((finish) => String(Math.floor(finish.durationMs)));
const microseconds = trusted((finish) => String(Math.round(finish.durationMs * 1000)));

const requestField: AtomMaker = (name) => {
  const lowerCaseName = name.toLowerCase();
  return chosen(({ request }) => request?.field(lowerCaseName) ?? ABSENT);
};

const responseField: AtomMaker = (name) => {
  const lowerCaseName = name.toLowerCase();
  return chosen(({ head }) => head?.field(lowerCaseName) ?? ABSENT);
};

/** gunicorn's, `%(h)s`. */
export const GUNICORN_ATOMS: Readonly<Record<string, Atom>> = {
  h: client,
  l: absent,
  u: user,
  t: time,
  r: requestLine,
  m: method,
  U: path,
  q: chosen(({ request }) => request?.query ?? ''),
  H: protocol,
  s: status,
  B: bytes,
  b: bytesOrDash,
  f: requestField('referer')!,
  a: requestField('user-agent')!,
  T: seconds,
  D: microseconds,
  M: milliseconds,
  L: decimalSeconds,
  p: trusted(() => `<${process.pid}>`),
};

/** gunicorn's with an argument, `%({user-agent}i)s`. */
export const GUNICORN_ATOM_MAKERS: Readonly<Record<string, AtomMaker>> = {
  i: requestField,
  o: responseField,
};

/** Apache's, `%h`. */
export const APACHE_ATOMS: Readonly<Record<string, Atom>> = {
  h: client,
  a: client,
  l: absent,
  u: user,
  t: time,
  r: requestLine,
  m: method,
  U: path,
  q: chosen(({ request }) => (request === null || request.query === '' ? '' : `?${request.query}`)),
  H: protocol,
  s: status,
  B: bytes,
  b: bytesOrDash,
  T: seconds,
  D: microseconds,
  P: trusted(() => String(process.pid)),
  A: trusted(({ peer }) => peer.localAddress || ABSENT),
  p: trusted(({ peer }) => String(peer.localPort)),
  v: chosen(({ request }) => request?.authority.replace(/:[0-9]*$/, '') || ABSENT),
  L: chosen(({ request }) => request?.id ?? ABSENT),
};

/** Apache's with an argument, `%{Referer}i`. */
export const APACHE_ATOM_MAKERS: Readonly<Record<string, AtomMaker>> = {
  i: requestField,
  o: responseField,
  T: (unit) => ({ s: seconds, ms: milliseconds, us: microseconds })[unit],
  a: (whose) => (whose === 'c' ? chosen(({ peer }) => peer.remoteAddress || ABSENT) : undefined),
};

/** Whom a middleware has found the client to be, in front of the log or behind it; byte text. */
export function authenticatedUser(request: GatewayRequest | null): string | undefined {
  if (request === null) return undefined;
  return (request.identity ?? foundIdentity(originalRequest(request)))?.user;
}

/** The name in `Authorization: Basic` (RFC 7617 section 2), as claimed: nobody has checked the password. */
function basicUser(authorization: string | undefined): string | undefined {
  const match = authorization === undefined ? null : /^basic +([A-Za-z0-9+/]+=*) *$/i.exec(authorization);
  if (match === null) return undefined;
  return Buffer.from(match[1]!, 'base64').toString('latin1').split(':', 1)[0] || undefined;
}
