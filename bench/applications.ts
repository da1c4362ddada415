/** The measured WSGI applications. */
import { requestBytes, type RequestParts } from './http/request-bytes.js';
import type { Exchange, Workload } from './workload.js';

export interface Application extends Workload {
  /** `module:callable`. */
  readonly target: string;
}

const ECHO_BYTES = 10_240;
const BLOCK_BYTES = 100_000;
const ITEM = '{"available":true,"id":42,"name":"item 42","tags":["a","b","c"]}\n';

export const hello: Application = {
  name: 'hello',
  title: 'hello: 13 bytes of text',
  target: 'hello:app',
  exchanges: [
    exchange({ target: '/' }, 'text/plain', Buffer.from('Hello, World!')),
    exchange({ target: '/a/b?c=d' }, 'text/plain', Buffer.from('Hello, World!')),
  ],
  load: { path: '/', postBytes: 0, answerBytes: 13 },
};

export const flask: Application = {
  name: 'flask',
  title: 'Flask: a JSON route',
  target: 'flask_json:app',
  exchanges: [
    exchange({ target: '/items/42' }, 'application/json', Buffer.from(ITEM)),
    exchange({ target: '/items/7' }, 'application/json', Buffer.from(ITEM.replaceAll('42', '7'))),
    {
      request: requestBytes({ target: '/nothing/here' }),
      answer: { status: 404, contentType: 'text/html; charset=utf-8', hasLength: true },
    },
  ],
  load: { path: '/items/42', postBytes: 0, answerBytes: ITEM.length },
};

const block: Application = {
  name: 'block',
  title: 'block: 100 KB in one block',
  target: 'block:app',
  exchanges: [exchange({ target: '/' }, 'application/octet-stream', pattern(BLOCK_BYTES, 0))],
  load: { path: '/', postBytes: 0, answerBytes: BLOCK_BYTES },
};

const echo: Application = {
  name: 'echo',
  title: 'echo: a POST of 10 KB comes back',
  target: 'echo:app',
  exchanges: [echoExchange(ECHO_BYTES, 0), echoExchange(ECHO_BYTES, 17), echoExchange(1, 65)],
  load: { path: '/', postBytes: ECHO_BYTES, answerBytes: ECHO_BYTES },
};

export const applications: readonly Application[] = [hello, flask, block, echo];

function echoExchange(bytes: number, offset: number): Exchange {
  const body = pattern(bytes, offset);
  return exchange({ method: 'POST', target: '/', body }, 'application/octet-stream', body);
}

function exchange(request: RequestParts, contentType: string, body: Buffer): Exchange {
  return { request: requestBytes(request), answer: { status: 200, contentType, body, hasLength: true } };
}

/** Bytes that differ from their neighbours, so that a lost or moved piece is noticed. */
function pattern(length: number, offset: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, index) => (index + offset) % 251));
}
