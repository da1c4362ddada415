/** A client's connection to a server on the loopback interface: one request at a time. */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { ResponseReader, type ResponseHead } from './response-reader.js';

export interface Response extends ResponseHead {
  readonly body: Buffer;
}

interface Pending {
  readonly reader: ResponseReader;
  readonly pieces: Buffer[];
  readonly timer: NodeJS.Timeout;
  resolve(response: Response): void;
  reject(error: Error): void;
}

export class ClientConnection {
  readonly #socket: Socket;
  #pending: Pending | undefined;
  #isOpen = true;

  /**
   * @param authority what the server's certificate must be of, in PEM form; without it there is no TLS
   * @throws when nothing accepts within the limit, or the handshake fails
   */
  static open(port: number, limitMs = 10_000, authority?: string): Promise<ClientConnection> {
    return new Promise((resolve, reject) => {
      const target = { host: '127.0.0.1', port, noDelay: true };
      const secure = { ...target, ca: authority, servername: 'localhost', minVersion: 'TLSv1.3' } as const;
      const socket = authority === undefined ? connect(target) : connectTls(secure);
      const fail = (error: Error): void => {
        clearTimeout(timer);
        socket.destroy();
        reject(error);
      };
      const timer = setTimeout(() => fail(new Error(`no connection within ${limitMs} ms`)), limitMs);
      socket.once('error', fail);
      socket.once(authority === undefined ? 'connect' : 'secureConnect', () => {
        clearTimeout(timer);
        socket.off('error', fail);
        resolve(new ClientConnection(socket));
      });
    });
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes) => this.#receive(bytes));
    socket.on('end', () => this.#ended());
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the connection was closed')));
  }

  /** True while neither side has closed, nor announced to. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Resolves with the complete answer. @throws on a time-out, a broken connection or a broken answer. */
  request(bytes: Buffer, limitMs = 10_000): Promise<Response> {
    if (!this.#isOpen) return Promise.reject(new Error('the connection was closed'));
    return new Promise((resolve, reject) => {
      const pieces: Buffer[] = [];
      this.#pending = {
        pieces,
        reader: new ResponseReader((piece) => pieces.push(piece)),
        timer: setTimeout(() => this.#fail(new Error(`no answer within ${limitMs} ms`)), limitMs),
        resolve,
        reject,
      };
      this.#socket.write(bytes);
    });
  }

  destroy(): void {
    this.#isOpen = false;
    this.#socket.destroy();
  }

  #receive(bytes: Buffer): void {
    const { reader } = this.#pending ?? {};
    try {
      if (!reader) throw new Error('bytes came that nobody had asked for');
      reader.push(bytes);
      if (reader.isComplete) this.#answer();
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #ended(): void {
    this.#isOpen = false;
    try {
      this.#pending?.reader.end();
      this.#answer();
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #answer(): void {
    const pending = this.#settle();
    if (!pending) return;
    const { head } = pending.reader;
    if (!head.keepAlive) this.destroy();
    pending.resolve({ ...head, body: Buffer.concat(pending.pieces) });
  }

  #fail(error: Error): void {
    this.destroy();
    this.#settle()?.reject(error);
  }

  #settle(): Pending | undefined {
    const pending = this.#pending;
    this.#pending = undefined;
    clearTimeout(pending?.timer);
    return pending;
  }
}
