/**
 * Where workers connect back to: a Unix-domain socket in a private folder. Each worker has a token that opens each of its two
 * channels once; what presents anything else, or nothing in time, is destroyed (docs/protocol.md).
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Channel } from '../wire/frames.js';
import { FrameDecoder, type FrameReceiver } from '../wire/decoder.js';

/** A worker that is expected. */
export interface Expected {
  /** Receives the frames of both channels. */
  readonly receiver: FrameReceiver;
  /** A channel is open. */
  connected(channel: Channel, socket: Socket): void;
  /** The channel's input broke the protocol. */
  broken(error: Error): void;
  /** The channel has ended; no frame of it follows. */
  ended(channel: Channel): void;
}

const AUTH_DEADLINE_MS = 5000;

export class Rendezvous {
  /** The private folder, mode 0700. Also holds state files and spooled bodies. */
  readonly folder: string;
  readonly #server: Server;
  readonly #expected = new Map<string, { worker: Expected; channels: Set<Channel> }>();

  private constructor(folder: string, server: Server) {
    this.folder = folder;
    this.#server = server;
  }

  static async open(): Promise<Rendezvous> {
    const folder = mkdtempSync(join(tmpdir(), 'xgi-'));
    chmodSync(folder, 0o700);
    const server = createServer((socket) => rendezvous.#meet(socket));
    const rendezvous = new Rendezvous(folder, server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(rendezvous.socketPath, resolve);
    });
    return rendezvous;
  }

  get socketPath(): string {
    return join(this.folder, 'socket');
  }

  /** @returns the token to start the worker with */
  expect(worker: Expected): string {
    const token = randomBytes(32).toString('hex');
    this.#expected.set(token, { worker, channels: new Set() });
    return token;
  }

  /** The token opens nothing any more. */
  forget(token: string): void {
    this.#expected.delete(token);
  }

  /** Closes the socket and removes the folder with all that is in it. */
  close(): void {
    this.#server.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #meet(socket: Socket): void {
    const deadline = setTimeout(() => socket.destroy(), AUTH_DEADLINE_MS);
    let worker: Expected | undefined;
    let channel: Channel = 'D';
    const decoder = new FrameDecoder((token, wanted) => {
      const expected = this.#expected.get(token);
      if (expected === undefined || expected.channels.has(wanted)) return undefined;
      clearTimeout(deadline);
      expected.channels.add(wanted);
      worker = expected.worker;
      channel = wanted;
      worker.connected(wanted, socket);
      return worker.receiver;
    });
    socket.on('data', (chunk: Buffer) => {
      try {
        decoder.push(chunk);
      } catch (error) {
        socket.destroy();
        worker?.broken(error as Error);
      }
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(deadline);
      worker?.ended(channel);
    });
  }
}
