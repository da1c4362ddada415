/**
 * Where workers connect back to: a Unix-domain socket in a private folder. Each worker has a token that opens each of its two
 * channels once; what presents anything else, or nothing in time, is destroyed (docs/protocol.md).
 */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer, Socket, type Server } from 'node:net';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { LeasedBuffers } from '../io/leased-buffers.js';
import { readInto } from '../io/read-into.js';
import type { Log } from '../types.js';
import type { Channel } from '../wire/frames.js';
import { FrameDecoder, type FrameReceiver } from '../wire/decoder.js';
import { HOST_NAME, MeetingFolder } from './meeting-folder.js';
import { removeStaleFolders } from './stale-folders.js';

/** A worker or a zygote that is expected. */
export interface Expected {
  /** Those that it opens, each once. */
  readonly channels: readonly Channel[];
  /** Receives the frames of both channels. */
  readonly receiver: FrameReceiver;
  /** A channel is open. */
  connected(channel: Channel, socket: Socket): void;
  /** The channel's input broke the protocol. */
  broken(error: Error): void;
  /** The channel has ended; no frame of it follows. */
  ended(channel: Channel): void;
}

type WriteCallback = (error?: Error | null) => void;
type Writes = { readonly chunk: unknown; readonly encoding: BufferEncoding }[];

/**
 * A channel whose end is seen by reading alone. What cannot be written any more was for a worker that has gone; but what that one
 * had sent before is still to be read, and Node would destroy the socket at the first write that fails.
 */
class ChannelSocket extends Socket {
  override _write(chunk: unknown, encoding: BufferEncoding, done: WriteCallback): void {
    super._write(chunk, encoding, () => done());
  }

  override _writev(writes: Writes, done: WriteCallback): void {
    super._writev!(writes, () => done());
  }
}

const AUTH_DEADLINE_MS = 5000;
/** Connections that have not said whose they are, far more than there are workers that start: an application could take all descriptors otherwise. */
const MAX_STRANGERS = 512;

export class Rendezvous {
  readonly #server: Server = createServer({ pauseOnConnect: true }, (accepted) => this.#meet(accepted));
  readonly #expected = new Map<string, { worker: Expected; open: readonly Channel[] }>();
  readonly #log: Log;
  #folder: MeetingFolder | undefined;
  #strangers = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  /** A folder of its own, made when it is first asked for; also for state files and spooled bodies. */
  get folder(): MeetingFolder {
    return (this.#folder ??= new MeetingFolder());
  }

  get socketPath(): string {
    return this.folder.socketPath;
  }

  /** Also begins to remove the folders of gateways that were killed; nobody waits for that. */
  async listen(): Promise<void> {
    const { path } = this.folder;
    writeFileSync(join(path, HOST_NAME), hostname());
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.socketPath, resolve);
    });
    this.folder.open();
    // No descriptor for a connection, say: the worker that wanted it is replaced.
    this.#server.on('error', (error) =>
      this.#log.error(`XGI_WORKER_SOCKET: a worker cannot connect: ${error.message}`),
    );
    void removeStaleFolders(dirname(path));
  }

  /** @returns the token to start the worker with */
  expect(worker: Expected): string {
    const token = randomBytes(32).toString('hex');
    this.#expected.set(token, { worker, open: worker.channels });
    return token;
  }

  /** The token opens nothing any more. */
  forget(token: string): void {
    this.#expected.delete(token);
  }

  /** Closes the socket and removes the folder with all that is in it. */
  close(): void {
    this.#server.close();
    this.#folder?.remove();
  }

  #meet(accepted: Socket): void {
    if (this.#strangers >= MAX_STRANGERS) {
      accepted.destroy();
      return;
    }
    this.#strangers += 1;
    let isStranger = true;
    const known = (): void => {
      clearTimeout(deadline);
      if (isStranger) this.#strangers -= 1;
      isStranger = false;
    };
    const deadline = setTimeout(() => socket.destroy(), AUTH_DEADLINE_MS);
    let worker: Expected | undefined;
    let channel: Channel = 'D';
    const buffers = new LeasedBuffers();
    const decoder = new FrameDecoder((token, wanted) => {
      const expected = this.#expected.get(token);
      if (expected === undefined || !expected.open.includes(wanted)) return undefined;
      known();
      expected.open = expected.open.filter((other) => other !== wanted);
      worker = expected.worker;
      channel = wanted;
      worker.connected(wanted, socket);
      return worker.receiver;
    });
    const socket = readInto(
      accepted,
      () => buffers.next() ?? buffers.current.bytes,
      (chunk, length) => {
        try {
          decoder.push(chunk.subarray(0, length), buffers.current);
        } catch (error) {
          socket.destroy();
          worker?.broken(error as Error);
        }
      },
      ChannelSocket,
    );
    socket.on('error', () => {});
    // Read from the start, or its end is never seen.
    socket.resume();
    // A worker that says nothing more has nothing more to hear.
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      known();
      worker?.ended(channel);
    });
  }
}
