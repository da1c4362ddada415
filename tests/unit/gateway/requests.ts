import { expect } from 'vitest';
import type { GatewayRequest, Peer } from '../../../src/types.js';

export const PEER: Peer = {
  isUnix: false,
  remoteAddress: '192.0.2.1',
  remotePort: 4711,
  localAddress: '198.51.100.1',
  localPort: 8000,
  tls: null,
};

/** A GET request, with the changes that a test wants. */
export function newRequest(changes: Partial<GatewayRequest> = {}): GatewayRequest {
  const fields = changes.fields ?? [];
  const peer = changes.peer ?? PEER;
  return {
    method: 'GET',
    target: changes.path ?? '/',
    mount: '',
    path: '/',
    query: '',
    httpVersion: '1.1',
    scheme: 'http',
    authority: 'shop.example',
    fields,
    body: null,
    peer,
    clientAddress: peer.remoteAddress,
    clientPort: peer.remotePort,
    identity: null,
    isPersonal: false,
    variables: [],
    id: 'id',
    arrivedAtMs: 0,
    field: (name) => fields[fields.findIndex((field, i) => i % 2 === 0 && field.toLowerCase() === name) + 1],
    onAbort: () => {},
    onInputEnd: () => {},
    inform: () => {},
    ...changes,
  };
}

/** An environ delta as a program reads it; each name is there once. */
export function readDelta(delta: string): Record<string, string> {
  const parts = delta.split('\0');
  expect(parts.length % 2).toBe(0);
  const environ: Record<string, string> = {};
  for (let i = 0; i < parts.length; i += 2) environ[parts[i]!] = parts[i + 1]!;
  expect(Object.keys(environ)).toHaveLength(parts.length / 2);
  return environ;
}
