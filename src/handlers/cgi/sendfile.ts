/** X-Sendfile: a program names a file, and we send it, if it lies below a folder that was declared for that. */
import { constants, realpathSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { GatewayError } from '../../errors.js';
import { bytesOf, toText } from '../../gateway/byte-text.js';
import { ResponseHead } from '../../http/response-head.js';
import { isInside } from '../../routing/path-resolver.js';
import type { GatewayResponse } from '../../types.js';

/**
 * @param file as the program names it
 * @param roots real paths of folders
 * @throws GatewayError `XGI_CGI_SENDFILE`
 */
export async function sendFile(
  file: string,
  head: ResponseHead,
  roots: readonly string[],
): Promise<GatewayResponse> {
  if (roots.length === 0) throw refuse(file, 'no folder is declared for it with --sendfile-root');
  if (!file.startsWith('/')) throw refuse(file, 'the path is not absolute');
  let handle: FileHandle | undefined;
  try {
    const real = realpathSync.native(bytesOf(file), 'latin1');
    checkPlace(file, real, roots);
    // O_NONBLOCK: a pipe would hold a thread for ever.
    const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;
    handle = await open(bytesOf(real), flags);
    const stats = await handle.stat();
    if (!stats.isFile()) throw refuse(file, 'it is no regular file');
    checkPlace(file, placeOf(handle, real), roots);
    const fields = [...withoutLength(head.fields), 'Content-Length', String(stats.size)];
    return {
      head: new ResponseHead(head.status, fields, head.reason),
      body: { kind: 'file', file: { handle, offset: 0, length: stats.size } },
    };
  } catch (error) {
    void handle?.close().catch(() => {});
    if (error instanceof GatewayError) throw error;
    throw refuse(file, (error as Error).message);
  }
}

function checkPlace(file: string, real: string, roots: readonly string[]): void {
  if (roots.some((root) => isInside(root, real))) return;
  throw refuse(file, 'it is in none of the folders that are declared with --sendfile-root');
}

/**
 * Where the file is that was opened: whoever may write in a root can exchange a folder for a link between a look and the opening. Where
 * the system does not tell, a second look at the path makes that harder, but not impossible.
 */
function placeOf(handle: FileHandle, real: string): string {
  const opened = `/proc/self/fd/${handle.fd}`;
  const place = process.platform === 'linux' ? Buffer.from(opened) : bytesOf(real);
  return realpathSync.native(place, 'latin1');
}

function withoutLength(fields: readonly string[]): string[] {
  return fields.filter((_, i) => fields[i - (i % 2)]!.toLowerCase() !== 'content-length');
}

function refuse(file: string, observed: string): GatewayError {
  return new GatewayError(
    500,
    'XGI_CGI_SENDFILE',
    `the program asks for ${JSON.stringify(toText(file))} to be sent: ${observed}`,
  );
}
