/** A request as the handler of a route sees it: the front of its path is the mount (SCRIPT_NAME), the rest is the path. */
import type { ResponseHead } from '../http/response-head.js';
import type { Fields, GatewayRequest, Identity, InputEndListener, Peer, RequestBody } from '../types.js';

export class MountedRequest implements GatewayRequest {
  readonly method: string;
  readonly target: string;
  readonly mount: string;
  readonly path: string;
  readonly query: string;
  readonly httpVersion: GatewayRequest['httpVersion'];
  readonly scheme: GatewayRequest['scheme'];
  readonly authority: string;
  readonly fields: Fields;
  readonly body: RequestBody | null;
  readonly peer: Peer;
  readonly clientAddress: string;
  readonly clientPort: number;
  readonly identity: Identity | null;
  readonly arrivedAtMs: number;
  /** The request as it came to the route. */
  readonly whole: GatewayRequest;

  /** @param length how many characters of the path the route takes */
  constructor(whole: GatewayRequest, length: number) {
    this.whole = whole;
    this.method = whole.method;
    this.target = whole.target;
    this.mount = whole.mount + whole.path.slice(0, length);
    this.path = whole.path.slice(length);
    this.query = whole.query;
    this.httpVersion = whole.httpVersion;
    this.scheme = whole.scheme;
    this.authority = whole.authority;
    this.fields = whole.fields;
    this.body = whole.body;
    this.peer = whole.peer;
    this.clientAddress = whole.clientAddress;
    this.clientPort = whole.clientPort;
    this.identity = whole.identity;
    this.arrivedAtMs = whole.arrivedAtMs;
  }

  get id(): string {
    return this.whole.id;
  }

  field(lowerCaseName: string): string | undefined {
    return this.whole.field(lowerCaseName);
  }

  onAbort(listener: () => void): void {
    this.whole.onAbort(listener);
  }

  onInputEnd(listener: InputEndListener): void {
    this.whole.onInputEnd(listener);
  }

  inform(head: ResponseHead): void {
    this.whole.inform(head);
  }
}
