/**
 * Requests of HTTP/2 that would be two, or other ones, for whoever reads them as HTTP/1.1 behind us: fields of a connection, line ends in values, an
 * authority and a Host that differ, pseudo-header fields twice.
 */
import { expect, test } from 'vitest';
import {
  DATA,
  END_HEADERS,
  END_STREAM,
  frame,
  FrameClient,
  get,
  headerBlock,
  HEADERS,
  RST_STREAM,
  uint32,
} from '../support/http2-frames.js';
import { ResponseHead } from '../../src/http/response-head.js';
import { echo } from '../support/http-server.js';
import { pollUntil } from '../support/poll.js';
import { startTlsServer } from '../support/tls-server.js';

type List = readonly (readonly [string, string])[];

const without = (name: string): List => get().filter(([each]) => each !== name);

const REFUSED: readonly (readonly [string, List])[] = [
  ['Transfer-Encoding', [...get(), ['transfer-encoding', 'chunked']]],
  ['Connection', [...get(), ['connection', 'close']]],
  ['Keep-Alive', [...get(), ['keep-alive', '1']]],
  ['Proxy-Connection', [...get(), ['proxy-connection', 'close']]],
  ['Upgrade', [...get(), ['upgrade', 'websocket']]],
  ['TE other than trailers', [...get(), ['te', 'gzip']]],
  ['a name in upper case', [...get(), ['X-A', 'b']]],
  ['CR LF in the path', get({ ':path': '/ HTTP/1.1\r\nx: y' })],
  ['a space in the path', get({ ':path': '/a b' })],
  ['a fragment in the path', get({ ':path': '/a#b' })],
  ['an empty path', get({ ':path': '' })],
  ['a URL for a path', get({ ':path': 'https://other/' })],
  ['a path that does not begin with /', get({ ':path': 'a' })],
  ['* for a GET', get({ ':path': '*' })],
  ['%00 in the path', get({ ':path': '/%00' })],
  ['CR LF in the method', get({ ':method': 'GET / HTTP/1.1\r\nx: y' })],
  ['a method with a space', get({ ':method': 'GE T' })],
  ['an authority with user information', get({ ':authority': 'user@localhost' })],
  ['an authority with a path', get({ ':authority': 'localhost/a' })],
  ['another Host', [...get(), ['host', 'other']]],
  ['Host twice', [...without(':authority'), ['host', 'localhost'], ['host', 'localhost']]],
  ['no authority', without(':authority')],
  ['no path', without(':path')],
  ['no scheme', without(':scheme')],
  ['no method', without(':method')],
  ['another scheme', get({ ':scheme': 'ftp' })],
  ['a scheme that is not spoken', get({ ':scheme': 'http' })],
  ['two paths', [...get(), [':path', '/b']]],
  ['an unknown pseudo-header field', get({ ':protocol-x': 'a' })],
  ['a pseudo-header field behind others', [['x-a', 'b'], ...get()]],
  [
    'CONNECT',
    [
      [':method', 'CONNECT'],
      [':authority', 'other:443'],
    ],
  ],
  ['extended CONNECT', get({ ':method': 'CONNECT', ':protocol': 'websocket' })],
  ['Content-Length twice', [...get({ ':method': 'POST' }), ['content-length', '1'], ['content-length', '2']]],
  ['Content-Length that is no number', [...get({ ':method': 'POST' }), ['content-length', '+1']]],
  ['Content-Length without a body', [...get({ ':method': 'POST' }), ['content-length', '5']]],
  ['an expectation that is not known', [...get(), ['expect', 'more']]],
];

test.each(REFUSED)('%s', async (_, list) => {
  const { port, seen } = await startTlsServer(echo);
  const client = await FrameClient.connect(port);
  client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, headerBlock(list)));
  const refused = (): boolean =>
    client.closed || client.of(RST_STREAM, 1).length > 0 || client.of(HEADERS, 1).length > 0;
  await pollUntil(refused, { what: 'the refusal' });
  expect(seen).toEqual([]);
});

/** nghttp2 leaves such a field out, and hands on the rest. */
const DROPPED: readonly (readonly [string, readonly [string, string]])[] = [
  ['CR LF in a value', ['x-a', 'b\r\nx-c: d']],
  ['LF in a value', ['x-a', 'b\nx-c: d']],
  ['NUL in a value', ['x-a', 'b\0c']],
  ['white space at the end of a value', ['x-a', 'b ']],
  ['a colon in a name', ['x:a', 'b']],
  ['a name with a space', ['x a', 'b']],
  ['an empty name', ['', 'b']],
];

test.each(DROPPED)('%s: no handler sees the field', async (_, field) => {
  const fields: string[] = [];
  const { port } = await startTlsServer((given) => {
    fields.push(...given.fields);
    return echo(given);
  });
  const client = await FrameClient.connect(port);
  client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, headerBlock([...get(), ['x-first', '1'], field])));
  await client.until(HEADERS, 1);
  expect(fields).toEqual(['Host', 'localhost', 'x-first', '1']);
});

test('the same authority in both is one', async () => {
  const { port, seen } = await startTlsServer(echo);
  const client = await FrameClient.connect(port);
  client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, headerBlock([...get(), ['host', 'LOCALHOST']])));
  await client.until(HEADERS, 1);
  expect(seen).toEqual(['GET /']);
});

test.each([
  ['less', 'ab'],
  ['more', 'abcdefgh'],
])('a body of %s than Content-Length', async (_, body) => {
  let ended = false;
  const { port } = await startTlsServer(
    ({ body: given }) =>
      new Promise(() => given!.consume({ data: () => {}, end: () => (ended = true), error: () => {} })),
  );
  const client = await FrameClient.connect(port);
  const list = [...get({ ':method': 'POST' }), ['content-length', '5']] as const;
  client.send(frame(HEADERS, END_HEADERS, 1, headerBlock(list as List)));
  client.send(frame(DATA, END_STREAM, 1, Buffer.from(body)));
  await pollUntil(() => client.closed || client.of(RST_STREAM, 1).length > 0, { what: 'the refusal' });
  expect(ended).toBe(false);
});

test('a body that is reset with NO_ERROR is not taken for complete', async () => {
  const outcomes: string[] = [];
  const { port } = await startTlsServer(
    ({ body }) =>
      new Promise(() =>
        body!.consume({
          data: () => outcomes.push('data'),
          end: () => outcomes.push('end'),
          error: () => outcomes.push('error'),
        }),
      ),
  );
  const client = await FrameClient.connect(port);
  client.send(frame(HEADERS, END_HEADERS, 1, headerBlock(get({ ':method': 'POST' }))));
  client.send(frame(DATA, 0, 1, Buffer.from('part')));
  await pollUntil(() => outcomes.includes('data'), { what: 'the first part' });
  client.send(frame(RST_STREAM, 0, 1, uint32(0)));
  await pollUntil(() => outcomes.length > 1, { what: 'the end' });
  expect(outcomes).toEqual(['data', 'error']);
});

test('a response that is cut off has no END_STREAM', async () => {
  const { port } = await startTlsServer(() => ({
    head: new ResponseHead(200),
    body: {
      kind: 'stream',
      source: {
        start: (sink) => {
          sink.data(Buffer.from('part'));
          setImmediate(() => sink.error(new Error('broken')));
        },
        taken: () => {},
        cancel: () => {},
      },
    },
  }));
  const client = await FrameClient.connect(port);
  client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, headerBlock(get())));
  const { payload } = await client.until(RST_STREAM, 1);
  expect(payload.readUInt32BE()).toBe(2);
  expect(
    client.frames.filter(
      ({ type, stream, flags }) => type === DATA && stream === 1 && (flags & END_STREAM) !== 0,
    ),
  ).toEqual([]);
});
