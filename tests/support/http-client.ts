/** A client that sends exactly the bytes it is told to, and shows exactly what came back. */
import { once } from 'node:events';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface RawResponse {
  readonly status: number;
  readonly head: string;
  /** Lower-case names; repeated fields are joined with ', '. */
  readonly fields: Readonly<Record<string, string>>;
  /** Decoded, latin-1. */
  readonly body: string;
  readonly framing: 'none' | 'length' | 'chunked' | 'close';
}

const TIMEOUT_MS = 20_000;

export class RawClient {
  readonly socket: Socket;
  /** Everything received and not yet taken, latin-1. */
  received = '';
  ended = false;
  closed = false;
  error: NodeJS.ErrnoException | undefined;
  #wake: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    const woken = (): void => {
      for (const wake of this.#wake.splice(0)) wake();
    };
    socket.setEncoding('latin1');
    socket.on('data', (text) => {
      this.received += String(text);
      woken();
    });
    socket.on('end', () => {
      this.ended = true;
      woken();
    });
    socket.on('error', (error) => {
      this.error = error;
      woken();
    });
    socket.on('close', () => {
      this.closed = true;
      woken();
    });
  }

  static async connect(to: number | string | { host: string; port: number }): Promise<RawClient> {
    const where =
      typeof to === 'number' ? { host: '127.0.0.1', port: to } : typeof to === 'string' ? { path: to } : to;
    const socket = connect({ ...where, allowHalfOpen: true, noDelay: true } as NetConnectOpts);
    const client = new RawClient(socket);
    onTestFinished(() => void socket.destroy());
    await client.until(() => !socket.connecting, 'the connection');
    if (client.error !== undefined) throw client.error;
    return client;
  }

  send(text: string | Buffer): this {
    this.socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text);
    return this;
  }

  /** Sends FIN; still reads. */
  end(text = ''): this {
    this.socket.end(Buffer.from(text, 'latin1'));
    return this;
  }

  /**
   * Sends FIN, and resolves when the server has seen it: its socket is in this process, and what has been sent over the loopback
   * interface is read in the next turns of the loop, as far as the server wants to read.
   */
  async endSeen(text = ''): Promise<void> {
    const finished = once(this.socket, 'finish');
    this.end(text);
    await finished;
    await turns();
  }

  /** Goes away with a reset. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    const giveUp = setTimeout(() => {
      for (const wake of this.#wake.splice(0)) wake();
    }, TIMEOUT_MS);
    const endMs = performance.now() + TIMEOUT_MS - 1;
    try {
      while (!condition()) {
        if (performance.now() >= endMs)
          throw new Error(
            `waited ${TIMEOUT_MS} ms for ${what}; received ${JSON.stringify(this.received.slice(-500))}, ended ${this.ended}, error ${this.error?.code}`,
          );
        if (this.closed && !condition())
          throw new Error(
            `closed before ${what}; received ${JSON.stringify(this.received.slice(-500))}, error ${this.error?.code}`,
          );
        const woken = new Promise<void>((resolve) => this.#wake.push(resolve));
        if (this.socket.connecting)
          this.socket.once('connect', () => this.#wake.splice(0).forEach((wake) => wake()));
        await woken;
      }
    } finally {
      clearTimeout(giveUp);
    }
  }

  /** Reads up to the server's FIN or reset. */
  async rest(): Promise<string> {
    await this.until(() => this.ended || this.closed, 'the end');
    return this.take();
  }

  take(): string {
    const text = this.received;
    this.received = '';
    return text;
  }

  async untilText(text: string): Promise<void> {
    await this.until(() => this.received.includes(text), JSON.stringify(text));
  }

  /** Takes one interim or final response. */
  async response({ method = 'GET' } = {}): Promise<RawResponse> {
    await this.until(() => this.received.includes('\r\n\r\n'), 'a response head');
    const headEnd = this.received.indexOf('\r\n\r\n') + 4;
    const head = this.received.slice(0, headEnd);
    const { status, fields } = parseHead(head);
    if (method === 'HEAD' || status < 200 || status === 204 || status === 304) {
      this.received = this.received.slice(headEnd);
      return { status, head, fields, body: '', framing: 'none' };
    }
    if (fields['transfer-encoding'] !== undefined) {
      let body = '';
      let at = headEnd;
      for (;;) {
        await this.until(() => this.received.includes('\r\n', at), 'a chunk size');
        const lineEnd = this.received.indexOf('\r\n', at);
        const size = Number.parseInt(this.received.slice(at, lineEnd), 16);
        at = lineEnd + 2;
        await this.until(() => this.received.length >= at + size + 2, 'a chunk');
        body += this.received.slice(at, at + size);
        if (this.received.slice(at + size, at + size + 2) !== '\r\n')
          throw new Error('no CR LF behind a chunk');
        at += size + 2;
        if (size === 0) break;
      }
      this.received = this.received.slice(at);
      return { status, head, fields, body, framing: 'chunked' };
    }
    if (fields['content-length'] !== undefined) {
      const length = Number(fields['content-length']);
      await this.until(() => this.received.length >= headEnd + length, `a body of ${length} bytes`);
      const body = this.received.slice(headEnd, headEnd + length);
      this.received = this.received.slice(headEnd + length);
      return { status, head, fields, body, framing: 'length' };
    }
    const all = await this.rest();
    return { status, head, fields, body: all.slice(headEnd), framing: 'close' };
  }

  /** The server has sent FIN, and no byte beyond what was taken. */
  async expectEnd(): Promise<void> {
    const rest = await this.rest();
    if (rest !== '')
      throw new Error(`unexpected bytes before the end: ${JSON.stringify(rest.slice(0, 500))}`);
  }
}

/** A few turns of the loop: the kernel is asked for what can be read, and it is read, more than once. */
export async function turns(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise(setImmediate);
}

function parseHead(head: string): { status: number; fields: Record<string, string> } {
  const [statusLine = '', ...lines] = head.slice(0, -4).split('\r\n');
  const status = /^HTTP\/1\.1 (\d{3}) [^\r\n]*$/.exec(statusLine)?.[1];
  if (status === undefined) throw new Error(`not a status line: ${JSON.stringify(statusLine)}`);
  const fields: Record<string, string> = {};
  for (const line of lines) {
    const match = /^([^\s:]+): ?(.*)$/.exec(line);
    if (match === null) throw new Error(`not a field line: ${JSON.stringify(line)}`);
    const name = match[1]!.toLowerCase();
    fields[name] = name in fields ? `${fields[name]}, ${match[2]}` : match[2]!;
  }
  return { status: Number(status), fields };
}
