/** The request that a local redirect makes of another one: a GET for the new path, without a body (RFC 3875 section 6.2.2). */
import type { ResponseHead } from '../../http/response-head.js';
import { MountedRequest } from '../../routing/mounted-request.js';
import type { Fields, GatewayRequest, HttpVersion, Identity, InputEndListener, Peer } from '../../types.js';

/** Fields that speak of a body that is not there any more, or of what the first program was asked for. */
const OF_THE_BODY: ReadonlySet<string> = new Set([
  'content-length',
  'content-type',
  'content-encoding',
  'transfer-encoding',
  'expect',
]);

export class RedirectedRequest implements GatewayRequest {
  readonly method: string;
  readonly target: string;
  readonly mount = '';
  readonly path: string;
  readonly query: string;
  readonly httpVersion: HttpVersion;
  readonly scheme: 'http' | 'https';
  readonly authority: string;
  readonly fields: Fields;
  readonly body = null;
  readonly peer: Peer;
  readonly clientAddress: string;
  readonly clientPort: number;
  readonly identity: Identity | null;
  readonly id: string;
  readonly arrivedAtMs: number;
  /** How many redirects have led here. */
  readonly redirects: number;
  /** The request before. */
  readonly from: GatewayRequest;

  /** @param path percent-encoded, begins with `/` */
  constructor(from: GatewayRequest, path: string, query: string) {
    this.from = from;
    this.redirects = (redirectBefore(from)?.redirects ?? 0) + 1;
    // What has no body stays without one.
    this.method = from.method === 'HEAD' ? 'HEAD' : 'GET';
    // As the client has sent it: REQUEST_URI stays what it was.
    this.target = from.target;
    this.path = path;
    this.query = query;
    this.httpVersion = from.httpVersion;
    this.scheme = from.scheme;
    this.authority = from.authority;
    this.fields = from.fields.filter((_, i, all) => !OF_THE_BODY.has(all[i - (i % 2)]!.toLowerCase()));
    this.peer = from.peer;
    this.clientAddress = from.clientAddress;
    this.clientPort = from.clientPort;
    this.identity = from.identity;
    this.id = from.id;
    this.arrivedAtMs = from.arrivedAtMs;
  }

  field(lowerCaseName: string): string | undefined {
    return OF_THE_BODY.has(lowerCaseName) ? undefined : this.from.field(lowerCaseName);
  }

  onAbort(listener: () => void): void {
    this.from.onAbort(listener);
  }

  onInputEnd(listener: InputEndListener): void {
    this.from.onInputEnd(listener);
  }

  inform(head: ResponseHead): void {
    this.from.inform(head);
  }
}

/** The local redirect that has led to a request, whatever route it took then; undefined if none has. */
export function redirectBefore(request: GatewayRequest): RedirectedRequest | undefined {
  const whole = request instanceof MountedRequest ? request.whole : request;
  return whole instanceof RedirectedRequest ? whole : undefined;
}
