import { z } from 'zod/v3';
import { isReserved } from '../../gateway/extra-variables.js';
import { together } from '../issue.js';
import { secret } from '../secrets.js';
import { duration, flag, nonEmpty, options, string } from '../values.js';
import { realm } from './realm.js';
import { webAddress } from './web-address.js';

/** With a secret that both sides know. */
export const SECRET_ALGORITHMS = ['HS256', 'HS384', 'HS512'] as const;

/** With a private key, and a public one to verify. `none` is in no list. */
export const KEY_ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
] as const;

const ALGORITHM = `one of ${[...KEY_ALGORITHMS, ...SECRET_ALGORITHMS].join(', ')}`;
export const KEY_FILE_FORM = 'a file: a JSON Web Key Set, or a public key in PEM';
const SECRET = 'a secret of at least 32 bytes';
const VARIABLE =
  'the name of a variable, for example OIDC_EMAIL; not HTTP_…, which header fields have, nor REMOTE_USER and others that are xgi’s own';
const CLAIMS = 'an object: names of claims, and for each the name of a variable';
const CLAIM = string('the name of a claim').min(1, 'the name of a claim');

const SCOPE = 'a scope: ASCII without white space, quotes and backslashes';

function oneOrSome(expected: string) {
  const text = z.string({ invalid_type_error: expected }).min(1, expected);
  return z
    .union([text, z.array(text, { invalid_type_error: expected }).min(1, expected)], {
      errorMap: () => ({ message: expected }),
    })
    .describe(expected)
    .transform((given) => (typeof given === 'string' ? [given] : given))
    .optional();
}

/** Options of the middleware `bearer`. */
export const bearerOptions = options({
  /** Where the issuer publishes its keys, as a JSON Web Key Set (RFC 7517 section 5). */
  jwksUrl: webAddress.optional(),
  /** A file of public keys: a JSON Web Key Set, or one in PEM. */
  keyFile: nonEmpty(KEY_FILE_FORM),
  /** A secret that issuer and server share. */
  secret: secret(
    z
      .string({ invalid_type_error: SECRET })
      .refine((text) => Buffer.byteLength(text) >= 32, together(SECRET, 'a shorter one'))
      .describe(SECRET),
  ).optional(),
  /** Who may have issued a token: its claim iss. Default: anybody who has a key. */
  issuer: oneOrSome('the issuer of the tokens, or a list'),
  /** For whom a token is: its claim aud. Default: anybody. */
  audience: oneOrSome('the audience of the tokens, or a list'),
  /** Default: with keys RS256 and all others with a public key; with a secret HS256. */
  algorithms: z
    .array(
      z.enum([...KEY_ALGORITHMS, ...SECRET_ALGORITHMS] as unknown as [string, ...string[]], {
        errorMap: () => ({ message: ALGORITHM }),
      }),
      {
        invalid_type_error: `a list: ${ALGORITHM}`,
      },
    )
    .min(1, `a list: ${ALGORITHM}`)
    .optional(),
  /** By how much the clocks of issuer and server may differ. Default 5 s. */
  clockTolerance: duration('for none'),
  /** Beyond exp, which every token must have. */
  requiredClaims: z.array(CLAIM, { invalid_type_error: 'a list of names of claims' }).optional(),
  /** All of which a token must have, in scope or scp; it is a 403 otherwise. */
  scopes: z
    .array(z.string({ invalid_type_error: SCOPE }).regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, SCOPE), {
      invalid_type_error: `a list: ${SCOPE}`,
    })
    .optional(),
  /** The claim that says who the client is: REMOTE_USER. Default sub. */
  userClaim: CLAIM.optional(),
  /** Claims that the application finds in variables of its environ: claim → variable. */
  claims: z
    .record(
      z
        .string({ invalid_type_error: VARIABLE })
        // A client could set those by a field, where a token has no such claim.
        .regex(/^(?!HTTP_)[A-Za-z_][A-Za-z0-9_.]*$/, VARIABLE)
        .refine((name) => !isReserved(name), VARIABLE)
        .describe(VARIABLE),
      { invalid_type_error: CLAIMS },
    )
    .optional(),
  realm,
  /** Lets the application see the field Authorization, with the token in it. Default false. */
  passAuthorization: flag(),
}).superRefine(({ jwksUrl, keyFile, secret: shared, algorithms = [] }, context) => {
  const given = Object.entries({ jwksUrl, keyFile, secret: shared }).filter(
    ([, source]) => source !== undefined,
  );
  if (given.length !== 1)
    context.addIssue({
      code: 'custom',
      ...together(
        'one of jwksUrl, keyFile and secret',
        given.length === 0 ? 'none' : given.map(([name]) => name).join(' and '),
      ),
    });
  const [possible, source]: [readonly string[], string] =
    shared === undefined ? [KEY_ALGORITHMS, 'public keys'] : [SECRET_ALGORITHMS, 'a secret'];
  const wrong = algorithms.findIndex((name) => !possible.includes(name));
  if (wrong !== -1)
    context.addIssue({
      code: 'custom',
      path: ['algorithms', wrong],
      message: `an algorithm for ${source}: one of ${possible.join(', ')}`,
    });
});
