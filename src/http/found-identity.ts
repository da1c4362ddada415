/** Who middleware has found the clients of requests to be, for what stands in front of it and sees the request without: the access logs. */
import type { GatewayRequest, Identity } from '../types.js';

const found = new WeakMap<GatewayRequest, Identity | null>();

/** The last word counts. @param original as the server has read it @param identity null if it turns out that nobody knows */
export function noteIdentity(original: GatewayRequest, identity: Identity | null): void {
  found.set(original, identity);
}

/** @param original as the server has read it */
export function foundIdentity(original: GatewayRequest): Identity | null {
  return found.get(original) ?? null;
}
