/**
 * How many clients get nothing at all? A server that gives a process to each connection can show a splendid
 * rate while all but a few connections starve; a load generator's average does not show that.
 */
import { connect, type Socket } from 'node:net';
import { ResponseReader } from '../http/response-reader.js';

export interface UnservedResult {
  readonly connections: number;
  readonly unserved: number;
  readonly answers: number;
}

/** Each connection asks again and again for that time, and reconnects when the server closes. */
export async function countUnserved(
  port: number,
  request: Buffer,
  { connections, seconds }: { readonly connections: number; readonly seconds: number },
): Promise<UnservedResult> {
  const clients = Array.from({ length: connections }, () => new LoopingClient(port, request));
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  for (const client of clients) client.stop();
  return {
    connections,
    unserved: clients.filter((client) => client.answers === 0).length,
    answers: clients.reduce((sum, client) => sum + client.answers, 0),
  };
}

/** After a failure, so that a server that refuses is not stormed. */
const RECONNECT_DELAY_MS = 20;

class LoopingClient {
  answers = 0;
  readonly #port: number;
  readonly #request: Buffer;
  #socket: Socket;
  #isStopped = false;

  constructor(port: number, request: Buffer) {
    this.#port = port;
    this.#request = request;
    this.#socket = this.#connect();
  }

  stop(): void {
    this.#isStopped = true;
    this.#socket.destroy();
  }

  #connect(): Socket {
    const socket = connect({ host: '127.0.0.1', port: this.#port, noDelay: true });
    let reader = new ResponseReader(() => {});
    let answersHere = 0;
    socket.once('connect', () => socket.write(this.#request));
    socket.on('data', (bytes) => {
      try {
        reader.push(bytes);
      } catch {
        socket.destroy();
        return;
      }
      if (!reader.isComplete) return;
      answersHere += 1;
      this.answers += reader.head.status === 200 ? 1 : 0;
      if (!reader.head.keepAlive) {
        socket.destroy();
        return;
      }
      reader = new ResponseReader(() => {});
      socket.write(this.#request);
    });
    socket.on('error', () => {});
    socket.once('close', () => {
      if (this.#isStopped) return;
      const again = (): void => {
        if (!this.#isStopped) this.#socket = this.#connect();
      };
      if (answersHere > 0) setImmediate(again);
      else setTimeout(again, RECONNECT_DELAY_MS);
    });
    return socket;
  }
}
