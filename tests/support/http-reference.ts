/** What node:http reads of the same bytes: its real server, given connections that exist in memory only. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

export interface ReferenceRequest {
  readonly method: string;
  readonly target: string;
  readonly httpVersion: string;
  readonly fields: readonly string[];
  /** Latin-1. */
  body: string;
  readonly complete: boolean;
}

export interface ReferenceReading {
  readonly requests: ReferenceRequest[];
  /** node's code for the error, if there was one; the end of the input inside a message is none. */
  readonly error: string | undefined;
}

/** One request as its handler sees it. */
class Seen implements ReferenceRequest {
  readonly method: string;
  readonly target: string;
  readonly httpVersion: string;
  readonly fields: readonly string[];
  body = '';
  readonly #message: IncomingMessage;

  constructor(message: IncomingMessage) {
    this.#message = message;
    this.method = message.method!;
    this.target = message.url!;
    this.httpVersion = message.httpVersion;
    this.fields = message.rawHeaders.slice();
    message.on('error', () => {});
    message.on('data', (chunk: Buffer) => (this.body += chunk.toString('latin1')));
  }

  get complete(): boolean {
    return this.#message.complete;
  }

  /** What the parser has given is taken at once; it would be lost with the connection. */
  drain(): void {
    while (this.#message.read() !== null);
  }
}

class Injected extends Duplex {
  readonly requests: Seen[] = [];
  error: string | undefined;
  override _read(): void {}
  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done();
  }
  // What node:http asks of a socket.
  setTimeout(): this {
    return this;
  }
}

export class ReferenceServer {
  readonly #server: Server;

  constructor() {
    this.#server = createServer({ insecureHTTPParser: false, maxHeaderSize: 262_144, keepAliveTimeout: 0 });
    this.#server.maxHeadersCount = 0;
    const take = (request: IncomingMessage, response: ServerResponse): void => this.#take(request, response);
    this.#server.on('request', take).on('checkContinue', take);
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      // An input that ends inside a message is not refused by us either: more could come.
      const connection = socket as unknown as Injected;
      if (error.code !== 'HPE_INVALID_EOF_STATE') connection.error ??= error.code;
      for (const request of connection.requests) request.drain();
      socket.destroy();
    });
  }

  async read(input: Buffer): Promise<ReferenceReading> {
    const connection = new Injected();
    this.#server.emit('connection', connection as unknown as Socket);
    const closed = new Promise<void>((resolve) => {
      connection.once('close', resolve).on('error', () => {});
    });
    connection.push(input);
    connection.push(null);
    await closed;
    // The bodies' events come in ticks of their own.
    await new Promise(setImmediate);
    return { requests: connection.requests, error: connection.error };
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    (request.socket as unknown as Injected).requests.push(new Seen(request));
    request.on('end', () => response.end());
  }
}
