import { connect } from 'node:net';

const PATIENCE_MS = 2000;

/**
 * Whether a process listens on that socket file. `dead`: nobody does, or there is no file. `denied`: this user may not ask. What
 * takes no connection in time, as a process that is stopped, lives.
 */
export async function probeControlSocket(path: string): Promise<'living' | 'dead' | 'denied'> {
  return await new Promise((resolve) => {
    const socket = connect(path);
    socket.setTimeout(PATIENCE_MS, () => socket.destroy());
    socket.on('connect', () => {
      socket.destroy();
      resolve('living');
    });
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'ECONNREFUSED' || code === 'ENOENT') resolve('dead');
      else resolve(code === 'EACCES' || code === 'EPERM' ? 'denied' : 'living');
    });
    socket.on('close', () => resolve('living'));
  });
}
