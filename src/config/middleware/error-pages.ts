import { z } from 'zod/v3';
import type { GatewayRequest, GatewayResponse } from '../../types.js';
import { IN_MODULES_ONLY } from '../values.js';

/** Makes the page; the status of its answer stays what it was. */
export type ErrorPageHandler = (
  request: GatewayRequest,
  failure: ErrorPageFailure,
) => GatewayResponse | Promise<GatewayResponse>;

export interface ErrorPageFailure {
  readonly status: number;
  /** What was thrown; undefined if it was the application's own answer. */
  readonly error: unknown;
}

const PAGE = 'the path of a file, for example ./404.html';
const STATUS = 'a status from 400 to 599, 4xx or 5xx';

const page = z.union([
  z.custom<ErrorPageHandler>((value) => typeof value === 'function', PAGE).describe(IN_MODULES_ONLY),
  z.string({ invalid_type_error: PAGE }).min(1, PAGE).describe(PAGE),
]);
const FORM = `an object: ${STATUS}, and for each ${PAGE}`;

/** Options of the middleware `errorPages`. */
export const errorPagesOptions = z.strictObject({
  /** Status or class → the page; one for the status is before one for its class. */
  pages: z.record(page, { required_error: FORM, invalid_type_error: FORM }).superRefine((pages, context) => {
    const unknown = Object.keys(pages).find((key) => !/^[45](?:xx|\d\d)$/.test(key));
    if (unknown !== undefined)
      context.addIssue({ code: 'custom', path: [unknown], message: `${STATUS}, as a key` });
  }),
});
