import { z } from 'zod/v3';
import type { GatewayRequest, GatewayResponse } from '../../types.js';
import { IN_MODULES_ONLY, options, record } from '../values.js';

/** Makes the page; the status of its answer stays what it was. */
export type ErrorPageHandler = (
  request: GatewayRequest,
  failure: ErrorPageFailure,
) => GatewayResponse | Promise<GatewayResponse>;

/** What a page is made for. */
export interface ErrorPageFailure {
  readonly status: number;
  /** What was thrown; undefined if it was the application's own answer. */
  readonly error: unknown;
}

export const PAGE_FORM = 'the path of a file, for example ./404.html';
const STATUS = 'a status from 400 to 599, 4xx or 5xx';

const page = z.union([
  z.custom<ErrorPageHandler>((value) => typeof value === 'function', PAGE_FORM).describe(IN_MODULES_ONLY),
  z.string({ invalid_type_error: PAGE_FORM }).min(1, PAGE_FORM).describe(PAGE_FORM),
]);
const FORM = `an object: ${STATUS}, and for each ${PAGE_FORM}`;

/** Options of the middleware `errorPages`. */
export const errorPagesOptions = options({
  /** Status or class → the page; one for the status is before one for its class. */
  pages: record(page, {
    expected: FORM,
    key: `${STATUS}, as a key`,
    isKey: (key) => /^[45](?:xx|\d\d)$/.test(key),
  }),
});
