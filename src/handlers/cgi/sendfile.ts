/** X-Sendfile: a program names a file, and we send it, if it lies below a folder that was declared for that. */
import { realpathSync } from 'node:fs';
import { GatewayError } from '../../errors.js';
import { bytesOf, toText } from '../../gateway/byte-text.js';
import { ResponseHead } from '../../http/response-head.js';
import { isInside } from '../../routing/path-resolver.js';
import type { GatewayResponse } from '../../types.js';
import { openFile } from '../open-file.js';

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
  try {
    const real = realpathSync.native(bytesOf(file), 'latin1');
    checkPlace(real, roots);
    const { handle, stats } = await openFile({ real, checkPlace: (place) => checkPlace(place, roots) });
    const fields = [...withoutLength(head.fields), 'Content-Length', String(stats.size)];
    const pieces = [{ offset: 0, length: Number(stats.size) }];
    return {
      head: new ResponseHead(head.status, fields, head.reason),
      body: { kind: 'file', file: { handle, pieces, version: stats } },
    };
  } catch (error) {
    throw refuse(file, (error as Error).message);
  }
}

function checkPlace(real: string, roots: readonly string[]): void {
  if (roots.some((root) => isInside(root, real))) return;
  throw new Error('it is in none of the folders that are declared with --sendfile-root');
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
