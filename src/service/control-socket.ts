/**
 * A Unix-domain socket that only its user can connect to, from its first moment to its last.
 *
 * It is bound under a name of its own and then renamed to its place: the place holds the old socket or the new one, never
 * none. It also keeps libuv, which at the end removes the name that it has bound, from removing a successor's socket.
 */
import { randomBytes } from 'node:crypto';
import { lstatSync, renameSync, statSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:net';
import path from 'node:path';
import { ListenError } from '../errors.js';
import { probeControlSocket } from './control-probe.js';

export interface SocketPlace {
  /** Absolute. */
  readonly path: string;
  /** Take the place of a living process too: of our predecessor. */
  readonly replaceLiving: boolean;
}

/** sockaddr_un(7) has 108 bytes, with the NUL. */
const MAX_PATH_BYTES = 107;

/**
 * Makes the server listen there; mode 0600.
 *
 * @returns removes the file, if it is still the one that was made here; to be called before the server is closed
 * @throws ListenError `XGI_CONTROL_IN_USE`, `XGI_CONTROL_LISTEN`
 */
export async function listenPrivately(
  server: Server,
  { path: place, replaceLiving }: SocketPlace,
): Promise<() => void> {
  const temporary = path.join(path.dirname(place), `.${randomBytes(4).toString('hex')}`);
  checkLength(place, temporary);
  await checkPlace(place, replaceLiving);
  try {
    await bind(server, temporary);
    const { dev, ino } = lstatSync(temporary);
    renameSync(temporary, place);
    // No other file has this inode number as long as the server listens.
    return () => removeOwn(place, { dev, ino });
  } catch (error) {
    server.close();
    throw failed(place, (error as Error).message);
  }
}

function checkLength(...paths: readonly string[]): void {
  const longest = Math.max(...paths.map((name) => Buffer.byteLength(name)));
  if (longest <= MAX_PATH_BYTES) return;
  throw failed(
    paths[0]!,
    `the path is longer than the ${MAX_PATH_BYTES} bytes that a socket may have (${longest}); choose a shorter one`,
  );
}

/** A socket that nobody listens on is left for the rename to replace. */
async function checkPlace(place: string, replaceLiving: boolean): Promise<void> {
  const folder = path.dirname(place);
  let stats;
  try {
    if (!statSync(folder).isDirectory()) throw failed(place, `${folder} is not a folder`);
    stats = lstatSync(place, { throwIfNoEntry: false });
  } catch (error) {
    if (error instanceof ListenError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw failed(place, code === 'ENOENT' ? `there is no folder ${folder}; create it` : message);
  }
  if (stats === undefined) return;
  if (!stats.isSocket())
    throw failed(
      place,
      'there is a file of this name that is not a socket; remove it or choose another path',
    );
  if (replaceLiving || (await probeControlSocket(place)) === 'dead') return;
  throw new ListenError(
    'XGI_CONTROL_IN_USE',
    `${place}: another process listens there; stop it or choose another path with --control-socket`,
  );
}

async function bind(server: Server, file: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    // The file is made inside of this call of listen; nothing else of ours runs with this umask.
    const umask = process.umask(0o177);
    try {
      server.listen({ path: file, exclusive: true }, () => {
        server.removeListener('error', reject);
        resolve();
      });
    } finally {
      process.umask(umask);
    }
  });
}

function removeOwn(place: string, own: { dev: number; ino: number }): void {
  try {
    const { dev, ino } = lstatSync(place);
    if (dev === own.dev && ino === own.ino) unlinkSync(place);
  } catch {
    // Gone already; or the folder is not ours any more, since we have become another user. Nobody answers there: it is stale.
  }
}

function failed(place: string, why: string): ListenError {
  return new ListenError('XGI_CONTROL_LISTEN', `control socket ${place}: ${why}`);
}
