import { settableFieldName } from '../field.js';
import { flag, options } from '../values.js';

/** Options of the middleware `requestId`. */
export const requestIdOptions = options({
  /** Default X-Request-Id. */
  field: settableFieldName.optional(),
  /** Takes the one that the request has, if it is of letters, digits and `._:=+/-`, at most 128: from a proxy in front. Default false. */
  accept: flag(),
});
