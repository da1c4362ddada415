import { z } from 'zod/v3';
import { parsePathPattern, PATH_FORM } from '../../routing/path-pattern.js';
import { nonEmpty, option, options } from '../values.js';

const STATUS = 'a status (404), or all of a hundred (4xx)';
const RULE = 'an object with path, status or both';

const file = 'a file, or - for standard output';

/** Options of the middleware `accessLog`. */
export const accessLogOptions = options({
  file: nonEmpty(file).unwrap(),
  /** As accessLogformat: gunicorn's atoms, Apache's directives, or json. Default that of gunicorn. */
  format: nonEmpty('a format, or json'),
  /** Requests that fit one of them are not written down. */
  skip: z
    .array(
      z
        .strictObject(
          {
            path: option(PATH_FORM, parsePathPattern),
            status: option(STATUS, (text) => (/^[1-5](?:\d\d|xx)$/.test(text) ? text : undefined)),
          },
          { invalid_type_error: RULE },
        )
        .refine(({ path, status }) => path !== undefined || status !== undefined, RULE),
      { invalid_type_error: `a list: ${RULE}` },
    )
    .optional(),
});
