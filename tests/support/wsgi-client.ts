/** HTTP clients over plain sockets: every byte of the answer is seen, when it came, and how the connection ended. */
import { connect, type Socket } from 'node:net';

export interface RawAnswer {
  readonly status: number;
  /** The status line and the fields, as received. */
  readonly head: string;
  readonly headers: ReadonlyMap<string, string>;
  /** Without the chunked coding, if there was one. */
  readonly body: Buffer;
  /** The body as it came, with its coding. */
  readonly rawBody: Buffer;
  /** The message was complete by its own framing. */
  readonly complete: boolean;
}

/** A longer chunked body is looked at only when it seems to be whole. */
const LONG = 262_144;

/** A connection that a test talks through. */
export class WsgiClient {
  readonly socket: Socket;
  /** Resolves when nothing more will come: at the end, after a reset too. */
  readonly ended: Promise<void>;
  #chunks: Buffer[] = [];
  #length = 0;
  #over = false;
  #listeners = new Set<() => void>();

  constructor(port: number, options: { readonly readPaused?: boolean } = {}) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    this.socket.setNoDelay(true);
    this.socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#length += chunk.length;
      this.#changed();
    });
    if (options.readPaused === true) this.socket.pause();
    this.socket.on('error', () => {});
    this.ended = new Promise((resolve) => {
      const over = (): void => {
        this.#over = true;
        this.#changed();
        resolve();
      };
      this.socket.on('end', over);
      this.socket.on('close', over);
    });
  }

  get received(): Buffer {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0]!;
  }

  get text(): string {
    return this.received.toString('latin1');
  }

  get over(): boolean {
    return this.#over;
  }

  send(data: Buffer | string): void {
    this.socket.write(typeof data === 'string' ? Buffer.from(data, 'latin1') : data);
  }

  /** Resolves when the test is true of what has been received, or nothing more comes. */
  async until(test: (text: string) => boolean, deadlineMs?: number): Promise<string> {
    await this.#wait(() => test(this.text), deadlineMs);
    return this.text;
  }

  /** The next whole answer, which is then taken away. @param method of the request it is for */
  async answer(method = 'GET', deadlineMs?: number): Promise<RawAnswer> {
    let needed = 0;
    let parsed: ReturnType<typeof parseAnswer> = 0;
    await this.#wait(() => {
      // Looked at only when there is enough of it: a long body comes in a thousand pieces.
      if (!this.#over && (this.#length < needed || (this.#length > LONG && !this.#mayBeWhole())))
        return false;
      parsed = parseAnswer(this.received, method, this.#over);
      if (typeof parsed !== 'number') return true;
      needed = parsed;
      return false;
    }, deadlineMs);
    if (typeof parsed === 'number') {
      throw new Error(`the connection ended without an answer; received: ${JSON.stringify(this.text)}`);
    }
    const { answer, length } = parsed as { answer: RawAnswer; length: number };
    this.#chunks = [this.received.subarray(length)];
    this.#length -= length;
    return answer;
  }

  /** Whether the end looks like that of a chunked body, or the length is known. */
  #mayBeWhole(): boolean {
    return (
      this.#chunks.length === 1 ||
      this.#chunks.at(-1)!.subarray(-5).toString('latin1') === '0\r\n\r\n' ||
      /\r\ncontent-length: /i.test(this.#chunks[0]!.toString('latin1', 0, 4096))
    );
  }

  async #wait(test: () => boolean, deadlineMs = 15_000): Promise<void> {
    if (test() || this.#over) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#listeners.delete(look);
        reject(
          new Error(`nothing for ${deadlineMs} ms; received: ${JSON.stringify(this.text.slice(0, 500))}`),
        );
      }, deadlineMs);
      const look = (): void => {
        if (!test() && !this.#over) return;
        clearTimeout(timer);
        this.#listeners.delete(look);
        resolve();
      };
      this.#listeners.add(look);
    });
  }

  /** Closes at once with a reset, as a client that dies does: the server cannot take it for a half-close. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  close(): void {
    this.socket.destroy();
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

/** Sends one request on a connection of its own and waits for the answer, whole or cut off. */
export async function request(
  port: number,
  target: string,
  {
    method = 'GET',
    headers = [],
    body = '',
  }: { method?: string; headers?: readonly string[]; body?: Buffer | string } = {},
): Promise<RawAnswer> {
  const client = new WsgiClient(port);
  const length = method === 'GET' || method === 'HEAD' ? [] : [`Content-Length: ${body.length}`];
  client.send(
    `${method} ${target} HTTP/1.1\r\n${['Host: test.example:81', 'Connection: close', ...headers, ...length].join('\r\n')}\r\n\r\n`,
  );
  if (body.length > 0) client.send(body);
  try {
    return await client.answer(method);
  } finally {
    client.close();
  }
}

/** @returns how many bytes are needed at the least if these are not enough; `over` says that nothing more comes */
function parseAnswer(
  bytes: Buffer,
  method: string,
  over: boolean,
): { answer: RawAnswer; length: number } | number {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd === -1) return bytes.length + 1;
  const head = bytes.toString('latin1', 0, headEnd);
  const lines = head.split('\r\n');
  const status = Number(lines[0]!.split(' ')[1]);
  const headers = new Map(
    lines
      .slice(1)
      .map((line) => [
        line.slice(0, line.indexOf(':')).toLowerCase(),
        line.slice(line.indexOf(':') + 1).trim(),
      ]),
  );
  const start = headEnd + 4;
  const rest = bytes.subarray(start);
  const result = (raw: Buffer, body: Buffer, complete: boolean): { answer: RawAnswer; length: number } => ({
    answer: { status, head, headers, body: Buffer.from(body), rawBody: Buffer.from(raw), complete },
    length: start + raw.length,
  });
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304)
    return result(rest.subarray(0, 0), rest.subarray(0, 0), true);
  if (headers.get('transfer-encoding') === 'chunked') {
    const { body, used, complete } = parseChunked(rest);
    return complete || over
      ? result(rest.subarray(0, complete ? used : rest.length), body, complete)
      : bytes.length + 1;
  }
  const declared = headers.get('content-length');
  if (declared === undefined) return over ? result(rest, rest, true) : bytes.length + 1;
  const length = Number(declared);
  if (rest.length < length && !over) return start + length;
  const body = rest.subarray(0, length);
  return result(body, body, rest.length >= length);
}

function parseChunked(bytes: Buffer): { body: Buffer; used: number; complete: boolean } {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd === -1) break;
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    const start = lineEnd + 2;
    if (size === 0) {
      if (bytes.length < start + 2) break;
      return { body: Buffer.concat(parts), used: start + 2, complete: true };
    }
    if (bytes.length < start + size + 2) {
      parts.push(bytes.subarray(start, start + size));
      break;
    }
    parts.push(bytes.subarray(start, start + size));
    at = start + size + 2;
  }
  return { body: Buffer.concat(parts), used: bytes.length, complete: false };
}
