/**
 * Reads all client sockets through one buffer.
 *
 * `net.createServer` gives sockets that allocate 64 KiB for every read and cut it down afterwards. Node has a better way, the
 * option `onread` of `net.Socket`, but no way to ask a listening server for it; so the connection's handle is moved into a socket
 * made with it. Saves 0.8 to 1.2 µs of about 8 for a request and its answer, and most of the garbage
 * (docs/decisions/0002-shared-read-buffer.md).
 */
import { Socket } from 'node:net';

const BUFFER_BYTES = 65_536;
// One for all: a read is consumed, or copied, before the next one starts.
const shared = Buffer.allocUnsafeSlow(BUFFER_BYTES);

/** Options that `net.Socket` reads beyond those its types name. */
interface SocketOptions extends NonNullable<ConstructorParameters<typeof Socket>[0]> {
  readonly handle: unknown;
  readonly onread: { readonly buffer: Buffer; readonly callback: (length: number) => boolean };
}

/**
 * Moves a fresh, paused connection into a socket that calls `receive` for what it reads; `data` events do not happen.
 *
 * @param receive gets a buffer that is only lent for the call, and how many bytes of it are filled
 */
export function readShared(socket: Socket, receive: (chunk: Buffer, length: number) => void): Socket {
  const owner = socket as unknown as { _handle: unknown };
  const handle = owner._handle;
  owner._handle = null;
  const options: SocketOptions = {
    handle,
    allowHalfOpen: true,
    onread: {
      buffer: shared,
      callback: (length) => {
        receive(shared, length);
        return true;
      },
    },
  };
  return new Socket(options);
}
