/** `rewrite`: what is behind it sees another path. REQUEST_URI stays what the client has sent. */
import { rewriteOptions } from '../config/middleware/rewrite.js';
import { deriveRequest } from '../http/derived-request.js';
import { compilePathRules } from '../routing/path-rules.js';
import { defineMiddleware } from './define.js';

/** A query in the target comes before that of the request. */
export const rewrite = defineMiddleware('rewrite', rewriteOptions, ({ paths }) => {
  const rewritten = compilePathRules(paths);
  return (next) => (request) => {
    const to = rewritten(request);
    if (to === undefined) return next(request);
    const mark = to.indexOf('?');
    if (mark === -1) return next(deriveRequest(request, { path: to }));
    const queries = [to.slice(mark + 1), request.query].filter((query) => query !== '');
    return next(deriveRequest(request, { path: to.slice(0, mark), query: queries.join('&') }));
  };
});
