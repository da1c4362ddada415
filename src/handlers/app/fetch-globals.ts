/**
 * The Request, Response and `fetch` that applications see in place of Node's own.
 *
 * Node's cost more than all the rest of a small request: a Request parses its URL, and has an AbortSignal and a list of header fields
 * before anybody asks; a Response has a stream. The light ones are made of what is there already. Both kinds are instances of both
 * constructors, as the prototypes are the same; classes that extend these extend Node's own.
 */
import { LightRequest, NodeRequest } from './light-request.js';
import { lightResponse, NodeResponse } from './light-response.js';

const nodeFetch = globalThis.fetch;

/** Replaces them in this process or thread, once. Call it before an application is loaded, which may keep what it finds. */
export function installFetchGlobals(): void {
  if (globalThis.Response === QuickResponse) return;
  define('Request', QuickRequest);
  define('Response', QuickResponse);
  define('fetch', quickFetch);
}

function define(name: 'Request' | 'Response' | 'fetch', value: unknown): void {
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
}

const QuickResponse = function Response(...args: [unknown, ResponseInit?]): Response {
  const target: unknown = new.target;
  const light = target === QuickResponse ? lightResponse(args[0], args[1]) : undefined;
  return light ?? construct(NodeResponse, args, target === QuickResponse ? NodeResponse : target);
} as unknown as typeof Response;

const QuickRequest = function Request(...[input, ...others]: unknown[]): Request {
  const target: unknown = new.target;
  const args = [LightRequest.become(input), ...others];
  return construct(NodeRequest, args, target === QuickRequest ? NodeRequest : target);
} as unknown as typeof Request;

/** Node's own takes no light request. */
const quickFetch: typeof fetch = async function fetch(input, ...others) {
  return await nodeFetch(LightRequest.become(input) as typeof input, ...others);
};

inherit(QuickResponse, NodeResponse);
inherit(QuickRequest, NodeRequest);
Object.defineProperty(QuickResponse, 'json', { value: json, writable: true, configurable: true });

/** As Node's own, but light. */
function json(data: unknown, init?: ResponseInit): Response {
  const text = JSON.stringify(data) as string | undefined;
  const headers = init?.headers;
  const isPlain = headers === undefined && text !== undefined && init?.status !== 204;
  if (!isPlain) return NodeResponse.json(data, init);
  return new QuickResponse(text, { ...init, headers: { 'content-type': 'application/json' } });
}

function inherit(quick: object, own: typeof NodeResponse | typeof NodeRequest): void {
  Object.defineProperty(quick, 'prototype', { value: own.prototype, writable: false });
  Object.setPrototypeOf(quick, own);
}

function construct<T>(own: new (...args: never[]) => T, args: unknown[], target: unknown): T {
  if (target === undefined) throw new TypeError('this constructor cannot be called without new');
  return Reflect.construct(own, args, target as new () => T) as T;
}
