import { together } from '../issue.js';
import { secret } from '../secrets.js';
import { flag, nonEmpty, options, record, string, wholeNumber } from '../values.js';
import { realm } from './realm.js';

export const USER_FILE_FORM = 'a file of htpasswd';
const USERS = 'an object: names of users, and for each what htpasswd writes behind the name';
const USER = 'the name of a user, without colons and control characters';

/** Options of the middleware `basicAuth`. */
export const basicAuthOptions = options({
  /** A file of htpasswd: bcrypt, apr1 or {SHA}. Read again when it has changed. */
  file: nonEmpty(USER_FILE_FORM),
  /** In the place of a file: name → hash. */
  users: record(secret(string('what htpasswd writes behind the name')), {
    expected: USERS,
    key: USER,
    // oxlint-disable-next-line no-control-regex
    isKey: (name) => /^[^:\x00-\x1f\x7f]+$/.test(name),
  })
    .refine((users) => Object.keys(users).length > 0, USERS)
    .optional(),
  realm,
  /** Wrong passwords that a client may send in a minute; further ones are a 429, unchecked. 0 for no limit. Default 10. */
  attempts: wholeNumber(0, 1_000_000),
  /** Lets the application see the field Authorization, with the password in it. Default false. */
  passAuthorization: flag(),
}).superRefine(({ file, users }, context) => {
  if ((file === undefined) === (users === undefined))
    context.addIssue({
      code: 'custom',
      ...together('either file or users', file === undefined ? 'neither' : 'both'),
    });
});
