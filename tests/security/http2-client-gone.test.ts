/**
 * A client of HTTP/2 that closes its connection while it waits, again and again: what it has asked for must not go on, and hold the program, its
 * files and its memory, until a deadline. Without a word of HTTP/2, just a FIN; the sockets stay open for writing after it, for HTTP/1.1.
 */
import { expect, test } from 'vitest';
import {
  END_HEADERS,
  END_STREAM,
  frame,
  FrameClient,
  get,
  headerBlock,
  HEADERS,
} from '../support/http2-frames.js';
import { answer, deferred, streamed, TestSource } from '../support/http-server.js';
import { pollUntil } from '../support/poll.js';
import { startTlsServer } from '../support/tls-server.js';

test('the handler is told', async () => {
  const aborted = deferred();
  const { port, server, seen } = await startTlsServer((request) => {
    request.onAbort(() => aborted.resolve());
    return new Promise(() => {});
  });
  const client = await FrameClient.connect(port);
  client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, headerBlock(get())));
  await pollUntil(() => seen.length === 1, { what: 'the request' });
  client.socket.end();
  await aborted.promise;
  await pollUntil(() => server.connections === 0, { what: 'the end of the connection' });
});

test('the handler of a body that was not complete, too', async () => {
  const failed = deferred<Error>();
  const { port, server, seen } = await startTlsServer(
    ({ body }) =>
      new Promise(() =>
        body!.consume({ data: () => {}, end: () => {}, error: (error) => failed.resolve(error) }),
      ),
  );
  const client = await FrameClient.connect(port);
  client.send(frame(HEADERS, END_HEADERS, 1, headerBlock(get({ ':method': 'POST' }))));
  await pollUntil(() => seen.length === 1, { what: 'the request' });
  client.socket.destroy();
  expect(await failed.promise).toMatchObject({ code: 'XGI_HTTP_CLIENT_GONE' });
  await pollUntil(() => server.connections === 0, { what: 'the end of the connection' });
});

test('the source of an answer that nobody takes', async () => {
  const source = new TestSource((sink) => sink.data(Buffer.alloc(10_000_000)));
  const { port, server } = await startTlsServer(() => streamed(source));
  const client = await FrameClient.connect(port);
  client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, headerBlock(get())));
  await client.until(HEADERS, 1);
  client.socket.destroy();
  await pollUntil(() => source.cancelled === 1, { what: 'the source to be let go' });
  await pollUntil(() => server.connections === 0, { what: 'the end of the connection' });
});

test('one that is idle', async () => {
  const { port, server } = await startTlsServer(() => answer('ok'));
  const client = await FrameClient.connect(port);
  await pollUntil(() => server.connections === 1, { what: 'a connection' });
  client.socket.end();
  await pollUntil(() => server.connections === 0, { what: 'the end of the connection' });
});
