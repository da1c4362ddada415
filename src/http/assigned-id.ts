/** Ids that requests are given in the place of those that the server has made: of a proxy in front, say. */
import type { GatewayRequest } from '../types.js';
import { originalRequest } from './derived-request.js';

const ids = new WeakMap<GatewayRequest, string>();

/** From then on it is the id of the request, of the one that the server has read, and of all that were derived from it: the logs have it. */
export function assignId(request: GatewayRequest, id: string): void {
  ids.set(originalRequest(request), id);
}

/** @param original as the server has read it */
export function assignedId(original: GatewayRequest): string | undefined {
  return ids.get(original);
}
