/** X-Sendfile: a program names a file, and we send it, if it lies below a folder that was declared for that. */
import { realpathSync } from 'node:fs';
import { GatewayError } from '../errors.js';
import { formatReceived } from '../errors/received.js';
import { bytesOf, toText } from '../gateway/byte-text.js';
import { mediaTypeOf } from '../http/media-types.js';
import { hasNoBody, ResponseHead } from '../http/response-head.js';
import { isInside } from '../routing/path-resolver.js';
import type { Fields, GatewayRequest, GatewayResponse } from '../types.js';
import { openFile } from './open-file.js';
import { answerWithFile } from './program-file.js';

/**
 * Takes X-Sendfile out of the fields of an answer. It is never passed on where it is obeyed, for it tells where things are.
 *
 * @throws GatewayError `XGI_SENDFILE_REFUSED` if it is there twice
 */
export function takeSendFile(fields: Fields): { fields: Fields; file: string | undefined } {
  const at = fields.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === 'x-sendfile');
  if (at === -1) return { fields, file: undefined };
  const rest = fields.toSpliced(at, 2);
  const file = fields[at + 1]!;
  if (takeSendFile(rest).file !== undefined) throw refuse(file, 'and another one too');
  return { fields: rest, file };
}

/**
 * The file that the head of an answer names; undefined if it names none. A status that has no body (204, 304) keeps what it is.
 *
 * @throws GatewayError `XGI_SENDFILE_REFUSED`
 */
export function sendNamedFile(
  request: GatewayRequest,
  head: ResponseHead,
  roots: readonly string[],
): GatewayResponse | Promise<GatewayResponse> | undefined {
  const { fields, file } = takeSendFile(head.fields);
  if (file === undefined) return undefined;
  const rest = new ResponseHead(head.status, fields, head.reason);
  if (hasNoBody('GET', head.status)) return { head: rest, body: { kind: 'empty' } };
  return sendFile(request, { file, head: rest, roots });
}

export interface FileToSend {
  /** As the program names it: byte text. */
  readonly file: string;
  /** Of the program's answer, without X-Sendfile. */
  readonly head: ResponseHead;
  /** Real paths of folders, byte text. */
  readonly roots: readonly string[];
}

/** @throws GatewayError `XGI_SENDFILE_REFUSED` */
export async function sendFile(
  request: GatewayRequest,
  { file, head, roots }: FileToSend,
): Promise<GatewayResponse> {
  if (roots.length === 0) throw refuse(file, 'no folder is declared for it with --sendfile-root');
  if (!file.startsWith('/')) throw refuse(file, 'the path is not absolute');
  try {
    const real = realpathSync.native(bytesOf(file), 'latin1');
    checkPlace(real, roots);
    const opened = await openFile({ real, checkPlace: (place) => checkPlace(place, roots) });
    return answerWithFile(request, { head, file: opened, mediaType: mediaTypeOf(file) });
  } catch (error) {
    throw refuse(file, (error as Error).message);
  }
}

function checkPlace(real: string, roots: readonly string[]): void {
  if (roots.some((root) => isInside(root, real))) return;
  throw new Error('it is in none of the folders that are declared with --sendfile-root');
}

function refuse(file: string, observed: string): GatewayError {
  return new GatewayError(
    500,
    'XGI_SENDFILE_REFUSED',
    `the program asks for ${formatReceived(toText(file))} to be sent: ${observed}`,
  );
}
