import { z } from 'zod/v3';
import { flag, nonEmpty, string, wholeNumber } from '../values.js';
import { realm } from './realm.js';

const USERS = 'an object: names of users, and for each what htpasswd writes behind the name';

/** Options of the middleware `basicAuth`. */
export const basicAuthOptions = z.strictObject({
  /** A file of htpasswd: bcrypt, apr1 or {SHA}. Read again when it has changed. */
  file: nonEmpty('a file of htpasswd'),
  /** In the place of a file: name → hash. */
  users: z.record(string('what htpasswd writes behind the name'), { invalid_type_error: USERS }).optional(),
  realm,
  /** Wrong passwords that a client may send in a minute; further ones are a 429, unchecked. 0 for no limit. Default 10. */
  attempts: wholeNumber(0, 1_000_000),
  /** Lets the application see the field Authorization, with the password in it. Default false. */
  passAuthorization: flag(),
});
