/**
 * Host header attacks. An application builds the link of its password mail from Host; a cache's key holds one Host and the
 * application sees another. There is exactly one authority for every reader: that of the target if it has one, else Host.
 */
import { describe, expect, test } from 'vitest';
import { expectRefused } from '../support/http-attack.js';
import { RawClient } from '../support/http-client.js';
import { answer, startServer } from '../support/http-server.js';

describe('refused', () => {
  test.each([
    ['none', ''],
    ['two', 'Host: good\r\nHost: evil\r\n'],
    ['two in other cases of letters', 'Host: good\r\nhOST: evil\r\n'],
    ['an empty one', 'Host:\r\n'],
    ['a list', 'Host: good evil\r\n'],
    ['a path', 'Host: good/../evil\r\n'],
    ['user information', 'Host: good@evil\r\n'],
    ['a fragment', 'Host: evil#good\r\n'],
    ['a backslash', 'Host: evil\\good\r\n'],
    ['a port that is a name', 'Host: good:evil\r\n'],
    ['two ports', 'Host: good:80:80\r\n'],
    ['markup', 'Host: "><script>\r\n'],
    ['hidden by a space', 'Host : evil\r\nHost: good\r\n'],
    ['hidden by a fold', 'Host: good\r\n Host: evil\r\n'],
    ['hidden by a line end', 'Host: good\nHost: evil\r\n'],
  ])('%s', async (_name, fields) => {
    await expectRefused(`GET / HTTP/1.1\r\n${fields}\r\n`);
    await expectRefused(`GET http://good/ HTTP/1.1\r\n${fields}\r\n`);
  });
});

test('absolute-form: its authority, and nothing of Host', async () => {
  const { port } = await startServer((request) => answer(`${request.authority} ${request.fields.join(' ')}`));
  const client = await RawClient.connect(port);
  client.send('GET http://good/ HTTP/1.1\r\nX: y\r\nHost: evil\r\n\r\n');
  expect((await client.response()).body).toBe('good X y Host good');
});

test.each([
  'X-Forwarded-Host: evil',
  'X-Host: evil',
  'Forwarded: host=evil',
  'X-Original-Host: evil',
  'X-HTTP-Host-Override: evil',
])('%s changes nothing, even from a trusted proxy', async (line) => {
  const { port } = await startServer((request) => answer(request.authority), { trusted: '127.0.0.1' });
  const client = await RawClient.connect(port);
  client.send(`GET / HTTP/1.1\r\nHost: good\r\n${line}\r\n\r\n`);
  expect((await client.response()).body).toBe('good');
});

test('one connection, one Host after another: none is remembered for the next', async () => {
  const { port } = await startServer((request) => answer(request.authority));
  const client = await RawClient.connect(port);
  for (const host of ['good', 'evil', 'good']) {
    expect((await client.send(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`).response()).body).toBe(host);
  }
  expect((await client.send('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n').response()).body).toBe('');
});
