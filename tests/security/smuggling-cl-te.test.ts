/**
 * Request smuggling, CL.TE. A proxy before us goes by Content-Length and passes on what it takes for one request; a server
 * that goes by Transfer-Encoding reads two. The second is answered to the next user of the proxy's connection.
 * RFC 9112 section 6.1 lets a server refuse such a message, and that is what we do: 400, and the connection is closed.
 */
import { test } from 'vitest';
import { expectRefused } from '../support/http-attack.js';

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
const BODY = `0\r\n\r\n${SMUGGLED}`;

test.each([
  ['Content-Length first', `Content-Length: ${BODY.length}\r\nTransfer-Encoding: chunked\r\n`],
  ['Transfer-Encoding first', `Transfer-Encoding: chunked\r\nContent-Length: ${BODY.length}\r\n`],
  ['Content-Length: 0', 'Content-Length: 0\r\nTransfer-Encoding: chunked\r\n'],
  ['other cases of letters', `content-length: ${BODY.length}\r\nTRANSFER-ENCODING: Chunked\r\n`],
  ['fields between', `Content-Length: ${BODY.length}\r\nX: y\r\nTransfer-Encoding: chunked\r\n`],
])('%s', async (_name, fields) => {
  await expectRefused(`POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n${BODY}`);
});

test('HTTP/1.0, where a proxy may not know Transfer-Encoding at all', async () => {
  await expectRefused(
    `POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n${BODY}`,
  );
});
