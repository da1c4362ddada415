/**
 * Reads a socket of a listening server, or a pipe to a child process, into memory that its owner chooses.
 *
 * Sockets of `net.createServer` and of `spawn` allocate 64 KiB for every read and cut it down afterwards. Node has a better way, the option
 * `onread` of `net.Socket`, but no way to ask these for it; so the connection's handle is moved into a socket made
 * with it (docs/decisions/0002-shared-read-buffer.md).
 */
import { Socket } from 'node:net';

/** Options that `net.Socket` reads beyond those its types name. */
interface SocketOptions extends NonNullable<ConstructorParameters<typeof Socket>[0]> {
  readonly handle: unknown;
  readonly onread: {
    readonly buffer: Buffer | (() => Buffer | null);
    readonly callback: (length: number, buffer: Buffer) => boolean;
  };
}

/**
 * Moves a fresh connection, paused by `pauseOnConnect` if it is of a server, into a socket that calls `receive` for what it reads. There are no
 * `data` events.
 *
 * @param buffer is read into; or a function that is asked after each read for the next buffer, null meaning the same again
 * @param receive gets the buffer, which is only lent for the call, and how many bytes of it are filled
 * @param Kind the class of the new socket
 */
export function readInto(
  socket: Socket,
  buffer: Buffer | (() => Buffer | null),
  receive: (chunk: Buffer, length: number) => void,
  Kind: typeof Socket = Socket,
): Socket {
  const owner = socket as unknown as { _handle: { reading: boolean; readStop(): void } };
  const handle = owner._handle;
  // The pipes of a child process are read from as soon as they are made.
  if (handle.reading) {
    handle.reading = false;
    handle.readStop();
  }
  (owner as { _handle: unknown })._handle = null;
  const options: SocketOptions = {
    handle,
    allowHalfOpen: true,
    onread: {
      buffer,
      callback: (length, chunk) => {
        receive(chunk, length);
        return true;
      },
    },
  };
  return new Kind(options);
}
