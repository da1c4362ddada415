/**
 * A request as the next handler is to see it: the same, with some of it changed. Middleware that sets a field, an identity or a path makes one;
 * so does a route, for what lies behind its mount.
 */
import type { Fields, GatewayRequest, Identity, InputEndListener, Peer, RequestBody } from '../types.js';
import { firstValue } from './field-values.js';
import { noteIdentity } from './found-identity.js';
import type { ResponseHead } from './response-head.js';

/** What can be changed. What a client could not have sent is the caller's to check. */
export type RequestChanges = Partial<
  Pick<
    GatewayRequest,
    | 'method'
    | 'target'
    | 'mount'
    | 'path'
    | 'query'
    | 'authority'
    | 'fields'
    | 'body'
    | 'clientAddress'
    | 'clientPort'
    | 'identity'
    | 'isPersonal'
    | 'variables'
    | 'id'
  >
>;

/** The same request but for the changes. The body of one of the two may be consumed, not of both. */
export function deriveRequest(request: GatewayRequest, changes: RequestChanges): GatewayRequest {
  if (changes.identity !== undefined) noteIdentity(originalRequest(request), changes.identity);
  return Object.assign(new DerivedRequest(request), changes);
}

/** Copied, as each property is read more than once on the way to a program. */
export class DerivedRequest implements GatewayRequest {
  method: string;
  target: string;
  mount: string;
  path: string;
  query: string;
  readonly httpVersion: GatewayRequest['httpVersion'];
  readonly scheme: GatewayRequest['scheme'];
  authority: string;
  fields: Fields;
  body: RequestBody | null;
  readonly peer: Peer;
  clientAddress: string;
  clientPort: number;
  identity: Identity | null;
  isPersonal: boolean;
  variables: Fields;
  readonly arrivedAtMs: number;
  /** The request that this one was made of. */
  readonly whole: GatewayRequest;
  #id: string | undefined;

  constructor(whole: GatewayRequest) {
    this.whole = whole;
    this.method = whole.method;
    this.target = whole.target;
    this.mount = whole.mount;
    this.path = whole.path;
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
    this.isPersonal = whole.isPersonal;
    this.variables = whole.variables;
    this.arrivedAtMs = whole.arrivedAtMs;
  }

  /** Whether it ends with the request that it was made of. One with an `onAbort` of its own says so, or is taken to go on without. */
  get endsWithWhole(): boolean {
    return this.onAbort === DerivedRequest.prototype.onAbort;
  }

  get id(): string {
    return this.#id ?? this.whole.id;
  }

  set id(id: string) {
    this.#id = id;
  }

  field(lowerCaseName: string): string | undefined {
    return firstValue(this.fields, lowerCaseName);
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

/** The one that the server has read, whatever was derived from it. */
export function originalRequest(request: GatewayRequest): GatewayRequest {
  let original = request;
  while (original instanceof DerivedRequest) original = original.whole;
  return original;
}
