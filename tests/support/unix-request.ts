/** One request to a Unix socket. */
import { connect } from 'node:net';

/** Resolves with everything the server sent for `GET /`, latin-1. */
export async function requestOverUnixSocket(path: string): Promise<string> {
  const socket = connect(path);
  socket.setEncoding('latin1').write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  let answer = '';
  for await (const text of socket) answer += text as string;
  return answer;
}
