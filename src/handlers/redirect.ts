/** Sends clients to another place (RFC 9110 section 15.4). */
import { withQuery } from '../http/location.js';
import { ResponseHead } from '../http/response-head.js';
import type { Handler } from '../types.js';

export interface RedirectOptions {
  /** A URL, or a path. A `*` at its end stands for the path behind the mount. The query goes with it, unless it has one. */
  readonly to: string;
  readonly status: number;
}

export function createRedirect({ to, status }: RedirectOptions): Handler {
  const hasRest = to.endsWith('*');
  const front = hasRest ? to.slice(0, -1) : to;
  return ({ path, query }) => {
    // One slash between the two. Two at the front of a path would be another host.
    const rest = hasRest ? path.replace(/^\/+/, '').replace(/^\*$/, '') : '';
    const location = `${front}${front.endsWith('/') || rest === '' ? '' : '/'}${rest}`;
    return {
      head: new ResponseHead(status, ['Location', withQuery(location, query)]),
      body: { kind: 'empty' },
    };
  };
}
