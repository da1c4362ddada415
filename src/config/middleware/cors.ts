import { z } from 'zod/v3';
import { fieldName } from '../field.js';
import { duration, flag, options } from '../values.js';

const ORIGIN =
  'an origin in lower case (https://app.example.org), one with a wildcard (https://*.example.org), null, or * for all';
const METHOD = 'a method, for example PUT';

const names = z.array(fieldName, { invalid_type_error: 'a list of names of header fields' }).optional();

/** Options of the middleware `cors`. */
export const corsOptions = options({
  origins: z
    .array(
      z
        .string({ invalid_type_error: ORIGIN })
        .regex(
          /^(?:\*|null|[a-z][a-z0-9+.-]*:\/\/(?:\*\.)?[a-z0-9.-]+(?::\d{1,5})?|[a-z][a-z0-9+.-]*:\/\/\[[0-9a-f:.]+\](?::\d{1,5})?)$/,
          ORIGIN,
        )
        .describe(ORIGIN),
      { required_error: `a list of origins: ${ORIGIN}`, invalid_type_error: `a list of origins: ${ORIGIN}` },
    )
    .nonempty(`a list of origins: ${ORIGIN}`),
  /** Default GET, HEAD, POST, PUT, PATCH, DELETE. */
  methods: z
    .array(z.string({ invalid_type_error: METHOD }).regex(/^[A-Z]+$/, METHOD), {
      invalid_type_error: `a list: ${METHOD}`,
    })
    .optional(),
  /** Of requests. Default: those that are asked for. */
  headers: names,
  /** Of responses, beyond the ones that scripts may always see. */
  exposeHeaders: names,
  /** Cookies and passwords too. Not with the origin *. Default false. */
  credentials: flag(),
  /** How long a browser may remember what it was told. Default 10 minutes. */
  maxAge: duration('to ask each time'),
}).superRefine(({ origins, credentials = false }, context) => {
  if (credentials && origins.includes('*'))
    context.addIssue({
      code: 'custom',
      path: ['origins', origins.indexOf('*')],
      message: 'an origin that is trusted with cookies and passwords, as credentials is true',
    });
});
