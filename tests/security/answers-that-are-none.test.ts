/**
 * A handler, a middleware or an application in plain JavaScript answers with anything. What is no answer has to be an error for its one client: not
 * a connection that waits for ever, not a field that ends the line it stands in, and not the end of the gateway or of a thread and of all the other
 * requests that it runs.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { GatewayError } from '../../src/errors.js';
import { ResponseHead } from '../../src/http/response-head.js';
import type { GatewayResponse } from '../../src/types.js';
import { Project } from '../support/cli-project.js';
import { RawClient } from '../support/http-client.js';
import { answer, startServer } from '../support/http-server.js';
import { killAllIn, startXgi } from '../support/xgi.js';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const head = new ResponseHead(200);
const injected = { status: 200, reason: '', fields: ['X-A', 'b\r\nX-Injected: c'], contentLength: -1 };

const ANSWERS: Readonly<Record<string, unknown>> = {
  nothing: undefined,
  'an empty object': {},
  'a head that nobody has checked': { head: injected, body: { kind: 'empty' } },
  'no body': { head },
  'a body of no kind': { head, body: { kind: 'other' } },
  'bytes that are a number': { head, body: { kind: 'bytes', bytes: 5 } },
  'a stream without a source': { head, body: { kind: 'stream' } },
};

describe.each(Object.entries(ANSWERS))('%s', (_, given) => {
  test.each([
    ['at once', () => given as GatewayResponse],
    ['later', () => Promise.resolve(given as GatewayResponse)],
  ])('%s is a 502', async (_when, handler) => {
    const { port } = await startServer(handler);
    const response = await (await RawClient.connect(port)).send(GET).response();
    expect(response.status).toBe(502);
    expect(JSON.stringify(response)).not.toContain('X-Injected');
  });
});

const THROWN: Readonly<Record<string, unknown>> = {
  'an object that is no text': Object.create(null),
  'a symbol': Symbol('thrown'),
  'an error with status 1000': new GatewayError(1000, 'XGI_TEST', 'thrown'),
  'an error with status 101': new GatewayError(101, 'XGI_TEST', 'thrown'),
  'an error whose fields end lines': new GatewayError(401, 'XGI_TEST', 'thrown', { fields: ['a\r\nb', 'c'] }),
};

test.each(Object.entries(THROWN))('%s, thrown, is a 500 or 502', async (_, thrown) => {
  let isFirst = true;
  const { port } = await startServer(async () => {
    if (!isFirst) return answer('next');
    isFirst = false;
    throw thrown;
  });
  const client = await RawClient.connect(port);
  expect((await client.send(GET).response()).status).toBeGreaterThanOrEqual(500);
  expect((await client.send(GET).response()).status).toBe(200);
});

test('an interim response with a head that nobody has checked is refused', async () => {
  const { port } = await startServer((request) => {
    request.inform({ status: 103, fields: ['X-A', 'b\r\nX-Injected: c'] } as unknown as ResponseHead);
    return answer('after it');
  });
  const response = await (await RawClient.connect(port)).send(GET).response();
  expect(response.status).toBe(502);
});

const APP = `
import { parentPort } from 'node:worker_threads';
import { ResponseHead } from 'xgi';

let count = 0;
const ok = (text) => ({ head: new ResponseHead(200), body: { kind: 'bytes', bytes: text } });

export default async (request) => {
  count += 1;
  switch (request.path) {
    case '/nothing': return undefined;
    case '/thrown': throw Object.create(null);
    case '/kind': return { head: new ResponseHead(200), body: { kind: 'other' } };
    case '/final': request.inform(new ResponseHead(200)); return ok('after it');
    case '/unchecked': request.inform({ status: 103, fields: ['a\\r\\nb', 'c'] }); return ok('after it');
    case '/port': parentPort.postMessage(5); return await new Promise(() => {});
    case '/port-null': parentPort.postMessage([null]); return await new Promise(() => {});
    default: return ok(String(count));
  }
};
`;

describe('in a thread', () => {
  let project: Project;

  afterEach(() => killAllIn(project.directory));

  test('they are errors of one request, and neither the thread nor the gateway ends of them', async () => {
    project = new Project();
    project.write('app.mjs', APP);
    const server = await startXgi(['app', 'app.mjs', '-w', '1'], { cwd: project.directory });
    // As without threads.
    const expected = { '/nothing': 502, '/thrown': 500, '/kind': 502, '/final': 502, '/unchecked': 502 };
    const statuses: Record<string, number> = {};
    for (const path of Object.keys(expected)) statuses[path] = (await fetch(server.url(path))).status;
    expect(statuses).toEqual(expected);
    // Counted by the one thread that there was.
    expect(await (await fetch(server.url('/'))).text()).toBe('6');
  });

  test('what an application says on the port of its thread ends that thread, not the gateway', async () => {
    project = new Project();
    project.write('app.mjs', APP);
    const server = await startXgi(['app', 'app.mjs', '-w', '1'], { cwd: project.directory });
    for (const path of ['/port', '/port-null'])
      expect((await fetch(server.url(path))).status, path).toBe(502);
    expect(await (await fetch(server.url('/'))).text()).toBe('1');
  });
});
