import { z } from 'zod/v3';
import { fieldName, settableFields } from '../field.js';
import { together } from '../issue.js';
import { flag, options } from '../values.js';

const FIELDS = 'an object: names of header fields, and their values';

const fields = settableFields(FIELDS).optional();

/** Options of the middleware `headers`. */
export const headersOptions = options({
  /** In the place of all fields of their names. */
  set: fields,
  /** Beside those that are there. */
  add: fields,
  remove: z.array(fieldName, { invalid_type_error: 'a list of names of header fields' }).optional(),
  /** Adds what protects a site that does not say otherwise itself. Default false. */
  security: flag(),
  /** The same for the request, before the application sees it. */
  request: z
    .strictObject(
      {
        set: fields,
        add: fields,
        remove: z.array(fieldName, { invalid_type_error: 'a list of names of header fields' }).optional(),
      },
      { invalid_type_error: 'an object with set, add and remove' },
    )
    .optional(),
}).refine(
  ({ security = false, request, ...others }) =>
    security || [...Object.values(others), ...Object.values(request ?? {})].some(isSomething),
  together('set, add, remove, security or request', 'none of them'),
);

function isSomething(changes: object | undefined): boolean {
  return changes !== undefined && Object.keys(changes).length > 0;
}
