/**
 * `forwardAuth`: another program says who may come in (Authelia, oauth2-proxy, one's own). Each request is asked of a URL; what is not a
 * 2xx is answered to the client, a login page as well as a refusal. Without an answer, nobody comes in.
 */
import { forwardAuthOptions, NOT_RELAYED, REQUEST_FIELDS } from '../config/middleware/forward-auth.js';
import { GatewayError } from '../errors.js';
import { decodePath } from '../gateway/decode-path.js';
import { hasDotSegments } from '../http/dot-segments.js';
import { fieldsWhere, firstValue, onlyFields, valuesOf } from '../http/field-values.js';
import { hasNoBody, ResponseHead } from '../http/response-head.js';
import type { Fields, GatewayRequest, GatewayResponse, Handler, Identity } from '../types.js';
import { type Answer, answerWithHead, headWithFields } from './answer.js';
import { AuthenticatedRequests } from './authenticated-request.js';
import { defineMiddleware } from './define.js';
import { SecretCache } from './secret-cache.js';
import { type WebAnswer, WebClient, WebError } from './web-client.js';

const TIMEOUT_MS = 5000;
/** Of an answer, which is a page for a person at most. */
const MAX_BYTES = 1_048_576;
const MAX_REMEMBERED = 10_000;

const SET_COOKIE: ReadonlySet<string> = new Set(['set-cookie']);

/** What a good answer says. */
interface Pass {
  readonly identity: Identity | undefined;
  readonly fields: Fields;
  readonly untilMs: number;
}

/**
 * Lets in whom another program does, and gives its answer to the others. Throws GatewayError `XGI_AUTH_FORWARD` without an answer: 503, after 5 s by
 * default 504, 502 for one that is broken; 400 `XGI_ROUTE_PATH` for a path with dot segments.
 */
export const forwardAuth = defineMiddleware('forwardAuth', forwardAuthOptions, (options) => {
  const {
    url,
    requestFields = REQUEST_FIELDS,
    responseFields = [],
    userField,
    passCookies = false,
    timeout = TIMEOUT_MS,
    cache,
  } = options;
  const asked = new Set(requestFields.map((name) => name.toLowerCase()));
  const told = new Set(
    [...responseFields, ...(userField === undefined ? [] : [userField])].map((name) => name.toLowerCase()),
  );
  const client = new WebClient({ url, timeoutMs: timeout, maxBytes: MAX_BYTES });
  const passes = new SecretCache<Pass>(MAX_REMEMBERED);
  const requests = new AuthenticatedRequests([...told]);
  const keyFields = cache?.fields?.map((name) => name.toLowerCase());

  const readPass = ({ fields }: WebAnswer): Pass => {
    const [user, second] = userField === undefined ? [] : valuesOf(fields, userField.toLowerCase());
    if (second !== undefined)
      throw new GatewayError(
        502,
        'XGI_AUTH_FORWARD',
        `the answer says in ${userField} twice who the client is`,
      );
    return {
      identity: user === undefined || user === '' ? undefined : { scheme: 'Forward', user },
      fields: onlyFields(fields, told),
      untilMs: performance.now() + (cache?.time ?? 0),
    };
  };

  const letIn = (request: GatewayRequest, { identity, fields }: Pass): GatewayRequest =>
    // Without a name in the answer nobody is authenticated, whoever was so before; and yet it is let in for what it has shown.
    requests.of(
      request,
      { isPersonal: true, ...(userField === undefined ? {} : { identity: identity ?? null }) },
      fields,
    );

  /** Cookies are for who has asked just now: what is remembered has none. */
  const answerWithCookies = (next: Handler, request: GatewayRequest, answer: WebAnswer): Answer => {
    const cookies = passCookies ? onlyFields(answer.fields, SET_COOKIE) : [];
    if (cookies.length === 0) return next(request);
    return answerWithHead(next, request, (head) => headWithFields(head, [...head.fields, ...cookies]));
  };

  const middleware =
    (next: Handler): Handler =>
    (request) => {
      const question = questionOf(request, asked);
      const key = cache === undefined ? undefined : passes.keyOf(cacheText(question, keyFields));
      const known = key === undefined ? undefined : passes.get(key);
      if (known !== undefined && performance.now() < known.untilMs) return next(letIn(request, known));
      return ask(client, question, request).then((answer) => {
        if (answer.status < 200 || answer.status > 299) return relayed(answer, request.method);
        const pass = readPass(answer);
        if (key !== undefined) passes.set(key, pass);
        return answerWithCookies(next, letIn(request, pass), answer);
      });
    };
  return Object.assign(middleware, { close: () => client.close() });
});

/**
 * Nothing of it but the chosen fields is as the client has written it. The path is the one that is served.
 *
 * @throws GatewayError 400 `XGI_ROUTE_PATH` for one with dot segments: who decides by `/public/` must not let in to `/public/../admin`
 */
function questionOf(request: GatewayRequest, asked: ReadonlySet<string>): Fields {
  const { fields, method, scheme, authority, mount, path, query, clientAddress } = request;
  if (hasDotSegments(decodePath(mount + path)))
    throw new GatewayError(400, 'XGI_ROUTE_PATH', 'the path has a . or .. segment, or a backslash');
  const chosen = onlyFields(fields, asked);
  return [
    ...chosen,
    ...['X-Forwarded-Method', method, 'X-Forwarded-Proto', scheme, 'X-Forwarded-Host', authority],
    ...['X-Forwarded-Uri', mount + path + (query === '' ? '' : `?${query}`)],
    ...(clientAddress === '' ? [] : ['X-Forwarded-For', clientAddress]),
  ];
}

/** @param keyFields undefined for all; in lower case */
function cacheText(question: Fields, keyFields: readonly string[] | undefined): string {
  if (keyFields === undefined)
    return question.map((part, i) => (i % 2 === 0 ? part.toLowerCase() : part)).join('\0');
  return keyFields.map((name) => valuesOf(question, name).join('\x01')).join('\0');
}

/** @throws GatewayError 502, 503 or 504 `XGI_AUTH_FORWARD` */
async function ask(client: WebClient, question: Fields, request: GatewayRequest): Promise<WebAnswer> {
  const { answer, cancel } = client.get(question);
  request.onAbort(cancel);
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof WebError)) throw error;
    const status = { unreachable: 503, late: 504, broken: 502, cancelled: 503 }[error.reason];
    throw new GatewayError(status, 'XGI_AUTH_FORWARD', `who may come in cannot be asked: ${error.message}`);
  }
}

/** @throws GatewayError 502 `XGI_AUTH_FORWARD` */
function relayed({ status, fields, body }: WebAnswer, method: string): GatewayResponse {
  const ofConnection = new Set(
    (firstValue(fields, 'connection') ?? '').split(',').map((name) => name.trim().toLowerCase()),
  );
  const kept = fieldsWhere(fields, (written) => {
    const name = written.toLowerCase();
    return !NOT_RELAYED.has(name) && !ofConnection.has(name);
  });
  const head = new ResponseHead(status, kept);
  return { head, body: hasNoBody(method, status) ? { kind: 'empty' } : { kind: 'bytes', bytes: body } };
}
