/** A finished request as the server publishes it, for the tests of what listens. */
import { ResponseHead } from '../../src/http/response-head.js';
import type { RequestFinish } from '../../src/observe/channels.js';
import type { GatewayRequest } from '../../src/types.js';

export const peer = {
  isUnix: false,
  remoteAddress: '10.0.0.1',
  remotePort: 50_000,
  localAddress: '10.0.0.2',
  localPort: 8000,
  tls: null,
};

export function fakeRequest(given: Partial<GatewayRequest> = {}): GatewayRequest {
  const request = {
    method: 'GET',
    target: '/a/b?c=d',
    mount: '',
    path: '/a/b',
    query: 'c=d',
    httpVersion: '1.1',
    scheme: 'http',
    authority: 'example.org:8000',
    fields: [],
    body: null,
    peer,
    clientAddress: '192.0.2.1',
    clientPort: 0,
    identity: null,
    isPersonal: false,
    variables: [],
    id: '1-7',
    arrivedAtMs: 0,
    field: (name: string) => {
      const index = request.fields.findIndex((text, i) => i % 2 === 0 && text.toLowerCase() === name);
      return index === -1 ? undefined : request.fields[index + 1];
    },
    onAbort: () => {},
    onInputEnd: () => {},
    inform: () => {},
    ...given,
  } satisfies GatewayRequest as GatewayRequest;
  return request;
}

export function fakeFinish(given: Partial<RequestFinish> = {}): RequestFinish {
  return {
    request: fakeRequest({ fields: ['User-Agent', 'curl/8', 'Referer', 'http://x/'] }),
    peer,
    status: 200,
    head: new ResponseHead(200, ['Content-Type', 'text/plain']),
    bodyBytes: 12,
    durationMs: 1234.5678,
    aborted: false,
    ...given,
  };
}
