/** The request that a local redirect makes of another one: a GET for the new path, without a body (RFC 3875 section 6.2.2). */
import { DerivedRequest, originalRequest } from '../../http/derived-request.js';
import { withoutFields } from '../../http/field-values.js';
import type { Fields, GatewayRequest } from '../../types.js';

/** Fields that speak of a body that is not there any more, or of what the first program was asked for. */
const OF_THE_BODY: ReadonlySet<string> = new Set([
  'content-length',
  'content-type',
  'content-encoding',
  'transfer-encoding',
  'expect',
]);

/** Its target stays as the client has sent it: REQUEST_URI is what it was. */
export class RedirectedRequest extends DerivedRequest {
  /** How many redirects have led here. */
  readonly redirects: number;

  /** @param path percent-encoded, begins with `/` */
  constructor(from: GatewayRequest, path: string, query: string) {
    super(from);
    this.redirects = (redirectBefore(from)?.redirects ?? 0) + 1;
    // What has no body stays without one.
    this.method = from.method === 'HEAD' ? 'HEAD' : 'GET';
    this.mount = '';
    this.path = path;
    this.query = query;
    this.fields = [...withoutFields(from.fields, OF_THE_BODY), ...credentialsTakenFrom(from)];
    this.body = null;
  }
}

/** What has checked credentials keeps them from programs; whatever stands in front of the new path is to check them, too. */
function credentialsTakenFrom(request: GatewayRequest): Fields {
  const sent = originalRequest(request).field('authorization');
  return sent === undefined || request.field('authorization') !== undefined ? [] : ['Authorization', sent];
}

/** The local redirect that has led to a request, whatever route and middleware it passed then; undefined if none has. */
export function redirectBefore(request: GatewayRequest): RedirectedRequest | undefined {
  let current: GatewayRequest = request;
  while (current instanceof DerivedRequest) {
    if (current instanceof RedirectedRequest) return current;
    current = current.whole;
  }
  return undefined;
}
