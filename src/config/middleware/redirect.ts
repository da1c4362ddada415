import { z } from 'zod/v3';
import { pathMap } from '../path-map.js';
import { REDIRECT_FORM, isRedirectTarget, redirectStatus } from '../redirect.js';
import { together } from '../issue.js';
import { flag, options } from '../values.js';

const HOST = 'a host in lower case, for example www.example.org, with a port if need be';

/** Options of the middleware `redirect`. */
export const redirectOptions = options({
  /** Path → where to. */
  paths: pathMap(REDIRECT_FORM, isRedirectTarget).optional(),
  /** Requests over plain HTTP, to the same with https. Default false. */
  https: flag(),
  /** Requests for other hosts, to the same on this one. */
  host: z
    .string({ invalid_type_error: HOST })
    .regex(/^(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:.]+\])(?::\d{1,5})?$/, HOST)
    .optional(),
  /** Default 308, which keeps method and body. */
  status: redirectStatus(),
}).refine(
  ({ paths = [], https = false, host }) => paths.length > 0 || https || host !== undefined,
  together('paths, https or host', 'none of them'),
);
