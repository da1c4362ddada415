import { z } from 'zod/v3';
import { fieldName } from '../field.js';
import { duration, flag, options } from '../values.js';
import { webAddress } from './web-address.js';

/** Of the request, that are asked with by default. */
export const REQUEST_FIELDS = ['Authorization', 'Cookie', 'Accept', 'User-Agent', 'X-Requested-With'];
/** That tell of the request in each question. */
const FORWARDED_FIELDS = ['Method', 'Proto', 'Host', 'Uri', 'For'].map((end) => `X-Forwarded-${end}`);

const NAMES = 'a list of names of header fields';
const ASKED = 'the name of a header field, but none of the connection, Host or X-Forwarded-*, which xgi sets';

const OURS =
  /^(?:host|connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|expect|content-length|accept-encoding|x-forwarded-.*)$/i;

/** Of the connection (RFC 9110 section 7.6.1), or made anew: neither a client nor an application is given those of an answer. */
export const NOT_RELAYED: ReadonlySet<string> = new Set([
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection'],
  ...['te', 'trailer', 'trailers', 'transfer-encoding', 'upgrade', 'content-length', 'date', 'server'],
]);
const TOLD = 'the name of a header field that an application can be given';
const toldName = fieldName.refine(
  (name) => !NOT_RELAYED.has(name.toLowerCase()) && !/^host$/i.test(name),
  TOLD,
);

const requestFieldNames = z
  .array(
    fieldName.refine((name) => !OURS.test(name), ASKED),
    { invalid_type_error: NAMES },
  )
  .optional();

/** Options of the middleware `forwardAuth`. */
export const forwardAuthOptions = options({
  /** What is asked, with GET. */
  url: webAddress,
  /** Of the request, that the URL is asked with. Default Authorization, Cookie, Accept, User-Agent and X-Requested-With. */
  requestFields: requestFieldNames,
  /** Of a good answer, that the application sees; never those that a client has sent. */
  responseFields: z.array(toldName, { invalid_type_error: NAMES }).optional(),
  /** The field of a good answer that says who the client is: REMOTE_USER. */
  userField: toldName.optional(),
  /** Whether `Set-Cookie` of a good answer reaches the client, as that of others does: a session that is renewed. Default false. */
  passCookies: flag(),
  /** After it a 504. Default 5 s. */
  timeout: duration(),
  /** How long a good answer counts for the same question. Default: not at all. */
  cache: z
    .strictObject(
      {
        time: duration().unwrap(),
        /** Of the question, that tell one from another. Default all, X-Forwarded-Uri and the others of that kind too. */
        fields: z.array(fieldName, { invalid_type_error: NAMES }).min(1, NAMES).optional(),
      },
      { invalid_type_error: 'an object with time, and perhaps fields' },
    )
    .optional(),
}).superRefine(({ requestFields = REQUEST_FIELDS, cache }, context) => {
  const names = new Set([...requestFields, ...FORWARDED_FIELDS].map((name) => name.toLowerCase()));
  const wrong = cache?.fields?.findIndex((name) => !names.has(name.toLowerCase())) ?? -1;
  if (wrong === -1) return;
  // It would be missing from every question: all of them were one, and everybody would be let in as the first.
  const message = `a field of the question: one of requestFields (${requestFields.join(', ')}), or ${FORWARDED_FIELDS.join(', ')}`;
  context.addIssue({ code: 'custom', path: ['cache', 'fields', wrong], message });
});
