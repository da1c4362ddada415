import { pathMap } from '../path-map.js';
import { options } from '../values.js';

const FORM = 'a path (/new/*), where a * at the end stands for the rest; it may have a query';

/** Options of the middleware `rewrite`. */
export const rewriteOptions = options({
  paths: pathMap(FORM, (text) => /^\/(?![/\\])[\x21-\x22\x24-\x7e]*$/.test(text)),
});
