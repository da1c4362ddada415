/** Sends clients to another place (RFC 9110 section 15.4). */
import { withQuery } from '../http/location.js';
import { ResponseHead } from '../http/response-head.js';
import { parseTarget } from '../routing/target.js';
import type { Handler } from '../types.js';

export interface RedirectOptions {
  /** A URL, or a path. A `*` at the end of its path, or of all of it, stands for the path behind the mount. The query goes with it, unless it has one. */
  readonly to: string;
  readonly status: number;
}

export function createRedirect({ to, status }: RedirectOptions): Handler {
  const { front, hasRest, end } = parseTarget(to);
  return ({ path, query }) => {
    // One slash between the two. Two at the front of a path would be another host.
    const rest = hasRest ? path.replace(/^\/+/, '').replace(/^\*$/, '') : '';
    const location = `${front}${front.endsWith('/') || rest === '' ? '' : '/'}${rest}${end}`;
    return {
      head: new ResponseHead(status, ['Location', withQuery(location, query)]),
      body: { kind: 'empty' },
    };
  };
}
