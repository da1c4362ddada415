import { z } from 'zod/v3';
import { pathMap } from '../path-map.js';

const FORM = 'a path (/new/*), where a * at the end stands for the rest; it may have a query';

/** Options of the middleware `rewrite`. */
export const rewriteOptions = z.strictObject({
  paths: pathMap(FORM, (text) => /^\/(?![/\\])[\x21-\x22\x24-\x7e]*$/.test(text)),
});
