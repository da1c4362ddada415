/** HTTP/2 frame by frame (RFC 9113 section 4.1), for clients that no library would be. */
import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { onTestFinished } from 'vitest';
import { ca } from './tls-server.js';
import { pollUntil } from './poll.js';

export const DATA = 0;
export const HEADERS = 1;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;

export const END_STREAM = 1;
export const ACK = 1;
export const END_HEADERS = 4;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A header list in HPACK: literals that are not indexed, without Huffman (RFC 7541 section 6.2.2). */
export function headerBlock(list: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(
    list.flatMap(([name, value]) => [Buffer.from([0]), hpackString(name), hpackString(value)]),
  );
}

function hpackString(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const rest: number[] = [];
  let length = bytes.length - 127;
  for (; length >= 128; length = Math.floor(length / 128)) rest.push((length % 128) + 128);
  return Buffer.concat([Buffer.from([127, ...rest, length]), bytes]);
}

/** A GET, with what is given put in place of the usual pseudo-header fields. */
export function get(fields: Readonly<Record<string, string>> = {}): (readonly [string, string])[] {
  const usual = { ':method': 'GET', ':scheme': 'https', ':authority': 'localhost', ':path': '/' };
  return Object.entries({ ...usual, ...fields });
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export class FrameClient {
  readonly socket: TLSSocket;
  readonly frames: Frame[] = [];
  closed = false;
  #unread: Buffer = Buffer.alloc(0);

  private constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', () => {});
    socket.on('close', () => (this.closed = true));
  }

  /** @param settings the payload of the first SETTINGS frame */
  static async connect(port: number, settings: Buffer = Buffer.alloc(0)): Promise<FrameClient> {
    const socket = connect({ host: '127.0.0.1', port, ca, servername: 'localhost', ALPNProtocols: ['h2'] });
    const client = new FrameClient(socket);
    onTestFinished(() => void socket.destroy());
    await once(socket, 'secureConnect');
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    client.send(frame(SETTINGS, 0, 0, settings));
    return client;
  }

  send(...frames: readonly Buffer[]): this {
    if (!this.socket.destroyed) this.socket.write(Buffer.concat(frames));
    return this;
  }

  #read(chunk: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, chunk]);
    for (;;) {
      if (this.#unread.length < 9) return;
      const length = this.#unread.readUIntBE(0, 3);
      if (this.#unread.length < 9 + length) return;
      const [type, flags] = [this.#unread[3]!, this.#unread[4]!];
      const payload = this.#unread.subarray(9, 9 + length);
      this.frames.push({ type, flags, stream: this.#unread.readUInt32BE(5), payload });
      this.#unread = this.#unread.subarray(9 + length);
    }
  }

  of(type: number, stream?: number): Frame[] {
    return this.frames.filter(
      (each) => each.type === type && (stream === undefined || each.stream === stream),
    );
  }

  async until(type: number, stream?: number): Promise<Frame> {
    return await pollUntil(() => this.of(type, stream)[0], { what: `a frame of type ${type}` });
  }

  /** The error code of the last GOAWAY; undefined if there was none. */
  get goneAway(): number | undefined {
    return this.of(GOAWAY).at(-1)?.payload.readUInt32BE(4);
  }

  async untilClosed(): Promise<void> {
    await pollUntil(() => this.closed, { what: 'the end of the connection' });
  }
}
