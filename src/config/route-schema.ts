/** A route as a person writes it. */
import { z } from 'zod/v3';
import { fieldRecord, fieldValue } from './field.js';
import type { Handler } from '../types.js';
import { middlewareSchema } from './middleware.js';
import { IN_MODULES_ONLY } from './values.js';
import { isRedirectTarget, REDIRECT_FORM, redirectStatus } from './redirect.js';
import { HOST_FORM, type HostPattern, parseHostPattern } from '../routing/host-pattern.js';
import { PATH_FORM, type PathPattern, parsePathPattern } from '../routing/path-pattern.js';

const METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

function read<T>(expected: string, parse: (text: string) => T | undefined) {
  return z
    .string({ invalid_type_error: expected })
    .describe(expected)
    .transform((text, context) => {
      const parsed = parse(text);
      if (parsed !== undefined) return parsed;
      context.addIssue({ code: 'custom', message: expected });
      return z.NEVER;
    });
}

/** One, or a list of them. */
function some<T extends z.ZodTypeAny>(item: T, expected: string) {
  return z.union([z.array(item, { invalid_type_error: expected }).nonempty(expected), item]).optional();
}

const host = read<HostPattern>(HOST_FORM, parseHostPattern);
const path = read<PathPattern>(PATH_FORM, parsePathPattern);
const method = read('a method, for example GET', (text) =>
  METHOD.test(text) ? text.toUpperCase() : undefined,
);
const FIELD_FORM = 'the value of the field, or true for any';
const fieldOrAny = z.union([
  z.literal(true, { errorMap: () => ({ message: FIELD_FORM }) }),
  z.string({ invalid_type_error: FIELD_FORM }),
]);

const APP_FORM = 'the name of an application in apps';
const appName = z.string({ invalid_type_error: APP_FORM });

const redirectTo = read(REDIRECT_FORM, (text) => (isRedirectTarget(text) ? text : undefined));

const redirect = z.union([
  redirectTo,
  z.strictObject(
    { to: redirectTo, status: redirectStatus() },
    { invalid_type_error: `${REDIRECT_FORM}, or an object with to and status` },
  ),
]);

const respond = z.strictObject(
  {
    status: z
      .number({ invalid_type_error: 'a status from 200 to 599' })
      .int('a status from 200 to 599')
      .min(200, 'a status from 200 to 599')
      .max(599, 'a status from 200 to 599')
      .optional(),
    body: z.string({ invalid_type_error: 'text' }).optional(),
    headers: fieldRecord(fieldValue, 'an object of header fields').optional(),
  },
  { invalid_type_error: 'an object with status, body and headers' },
);

export const routeSchema = z.strictObject(
  {
    host: some(host, HOST_FORM),
    path: some(path, PATH_FORM),
    /** The front of the path that an application is told as SCRIPT_NAME. */
    mount: read(PATH_FORM, (text) => (text.startsWith('/') ? text : undefined)).optional(),
    method: some(method, 'a method, for example GET'),
    headers: fieldRecord(fieldOrAny, 'an object of header fields').optional(),
    /** Of a list, all but the last are static files: the first that has a file at the path answers, else the last. */
    app: some(appName, APP_FORM),
    /** A function, in a configuration that is a module or a program. */
    handler: z
      .custom<Handler>((value) => typeof value === 'function', 'a handler: a function, (request) => …')
      .describe(IN_MODULES_ONLY)
      .optional(),
    redirect: redirect.optional(),
    respond: respond.optional(),
    /** In front of what answers, behind that of the server. */
    middleware: middlewareSchema.optional(),
  },
  { invalid_type_error: 'a route: an object with app, handler, redirect or respond' },
);

/** As a person writes it. */
export type UserRoute = z.input<typeof routeSchema>;

export type ParsedRoute = z.output<typeof routeSchema>;
