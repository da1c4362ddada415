/** `requestId`: the same id in the request that the application sees, in its response, and in the log. */
import { requestIdOptions } from '../config/middleware/request-id.js';
import { assignId } from '../http/assigned-id.js';
import { deriveRequest } from '../http/derived-request.js';
import { firstValue, withField } from '../http/field-values.js';
import { answerWithHead } from './answer.js';
import { defineMiddleware } from './define.js';

const ACCEPTABLE = /^[\w.:=+/-]{1,128}$/;

/** Sets the id of a request in a field of request and answer, by default X-Request-Id; that of a client counts with `accept` only. */
export const requestId = defineMiddleware('requestId', requestIdOptions, (options) => {
  const { field = 'X-Request-Id', accept = false } = options;
  const lower = field.toLowerCase();
  return (next) => (request) => {
    const given = accept ? firstValue(request.fields, lower) : undefined;
    if (given !== undefined && ACCEPTABLE.test(given)) assignId(request, given);
    const { id } = request;
    const changed = deriveRequest(request, { fields: withField(request.fields, field, id) });
    return answerWithHead(next, changed, (head) => head.withField(field, id));
  };
});
