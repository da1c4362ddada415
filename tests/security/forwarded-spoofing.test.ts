/**
 * X-Forwarded-* from somebody who is no proxy of ours. Who believes it lets every client choose its own address, for access
 * lists and logs, and its own scheme. It counts only from trusted peers, and of theirs only what a trusted hop wrote.
 */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { RawClient } from '../support/http-client.js';
import { answer, startServer, type StartOptions } from '../support/http-server.js';
import { pollUntil } from '../support/poll.js';
import { makeTempDir } from '../support/temp-dir.js';

async function seenAs(fields: string, options: StartOptions): Promise<string> {
  const { port, url } = await startServer(
    (request) => answer(`${request.clientAddress} ${request.scheme} ${request.clientPort === 0}`),
    options,
  );
  const client = await RawClient.connect(port || url.slice('unix:'.length));
  return (await client.send(`GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`).response()).body;
}

const FORGED =
  'X-Forwarded-For: 10.1.1.1\r\nX-Forwarded-Proto: https\r\nForwarded: for=10.1.1.1;proto=https\r\nX-Real-IP: 10.1.1.1\r\n';

describe('nobody is believed', () => {
  test.each(['', '10.0.0.0/8', '127.0.0.2', '::1'])(
    'when %j are trusted and the peer is 127.0.0.1',
    async (trusted) => {
      expect(await seenAs(FORGED, { trusted })).toBe('127.0.0.1 http false');
    },
  );

  test('on a Unix-domain socket when nobody is trusted', async () => {
    const endpoint = { kind: 'unix', path: path.join(makeTempDir(), 's') } as const;
    expect(await seenAs(FORGED, { endpoint })).toBe(' http true');
  });
});

describe('a trusted proxy', () => {
  const trusted = '127.0.0.1,10.0.0.0/8';

  test.each([
    ['X-Forwarded-For: 203.0.113.5\r\nX-Forwarded-Proto: https\r\n', '203.0.113.5 https true'],
    // The client wrote the first, the proxy added the second.
    ['X-Forwarded-For: 1.2.3.4, 203.0.113.5\r\n', '203.0.113.5 http true'],
    ['X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: 203.0.113.5\r\n', '203.0.113.5 http true'],
    ['X-Forwarded-For: 203.0.113.5, 10.9.9.9\r\n', '203.0.113.5 http true'],
    ['X-Forwarded-For: 1.2.3.4, 203.0.113.5, 10.9.9.9\r\n', '203.0.113.5 http true'],
    ['X-Forwarded-Proto: https, http\r\n', '127.0.0.1 http false'],
    ['X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http\r\n', '127.0.0.1 http false'],
    ['X-Forwarded-For: rubbish\r\n', '127.0.0.1 http false'],
    ['X-Forwarded-For: 203.0.113.5, rubbish\r\n', '127.0.0.1 http false'],
    ['X-Forwarded-Proto: javascript\r\n', '127.0.0.1 http false'],
    ['X_Forwarded_For: 203.0.113.5\r\n', '127.0.0.1 http false'],
  ])('%j', async (fields, expected) => {
    expect(await seenAs(fields, { trusted })).toBe(expected);
  });

  test('on a Unix-domain socket', async () => {
    const endpoint = { kind: 'unix', path: path.join(makeTempDir(), 's') } as const;
    expect(await seenAs('X-Forwarded-For: 203.0.113.5\r\n', { endpoint, trusted })).toBe(
      '203.0.113.5 http true',
    );
  });
});

/**
 * A client that sends its request and resets the connection at once: the bytes arrive, but the system does not tell the
 * address of the peer any more. It must not be taken for a peer on a Unix-domain socket, which is trusted.
 */
test('a peer that nobody knows the address of is not served', async () => {
  const addresses: string[] = [];
  const { port, server } = await startServer(
    (request) => {
      addresses.push(request.clientAddress);
      return answer('served');
    },
    { trusted: '10.9.9.9' },
  );
  for (let round = 0; round < 10; round++) {
    const script = `
      import socket, struct, sys
      for _ in range(20):
          client = socket.create_connection(('127.0.0.1', ${port}))
          client.sendall(b'GET / HTTP/1.1\\r\\nHost: a\\r\\nX-Forwarded-For: 6.6.6.6\\r\\n\\r\\n')
          client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
          client.close()`;
    await promisify(execFile)('python3', ['-c', script.replaceAll('\n      ', '\n')]);
  }
  await pollUntil(() => server.connections === 0, { what: 'the end of the connections' });
  expect(addresses.filter((address) => address !== '127.0.0.1')).toEqual([]);
});

describe('what a handler sees of the fields', () => {
  const fieldsFor = async (trusted: string): Promise<string> => {
    const { port } = await startServer(({ fields }) => answer(fields.join(' ')), { trusted });
    const client = await RawClient.connect(port);
    const fields = `${FORGED}X-Forwarded-Host: evil\r\nX_Forwarded_Port: 1\r\nAccept: x\r\n`;
    return (await client.send(`GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`).response()).body;
  };

  test('nothing of the kind from somebody who is not trusted', async () => {
    expect(await fieldsFor('')).toBe('Host a Accept x');
  });

  test('what a trusted proxy says is passed on', async () => {
    expect(await fieldsFor('127.0.0.1')).toContain('X-Forwarded-Host evil');
  });
});

test('a client that writes the field which its proxy does not set is refused', async () => {
  const { port, seen } = await startServer(() => answer('served'), { trusted: '127.0.0.1' });
  const client = await RawClient.connect(port);
  const fields = 'Forwarded: for=10.0.0.1\r\nX-Forwarded-For: 203.0.113.5\r\n';
  const { status, body } = await client.send(`GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`).response();
  expect(status).toBe(400);
  expect(body).toContain('XGI_HTTP_FORWARDED');
  expect(seen).toEqual([]);
});
