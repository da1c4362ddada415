/**
 * A file as the body of a program's answer: the program has named it (X-Sendfile), or has given it to be sent (wsgi.file_wrapper).
 *
 * What the program says of it wins; what it leaves open, the file tells. A success is sent as a static file is: preconditions and ranges are
 * seen to here, so that a program need not, and its own 206 is only a way of saying 200.
 */
import { fieldsWhere } from '../http/field-values.js';
import { ResponseHead } from '../http/response-head.js';
import type { GatewayRequest, GatewayResponse } from '../types.js';
import { FileRepresentation } from './file-representation.js';
import type { OpenFile } from './open-file.js';

export interface ProgramFile {
  /** Of the program, with everything it says of the file. */
  readonly head: ResponseHead;
  readonly file: OpenFile;
  /** Unless the program names one. */
  readonly mediaType: string;
}

/** What depends on how much is sent, or is given to the representation by itself. */
const APART: ReadonlySet<string> = new Set([
  'accept-ranges',
  'content-length',
  'content-range',
  'content-type',
  'etag',
  'last-modified',
]);

/** They tell how content is to be read: a 304 has none, and leaves them out (RFC 9110 section 15.4.5). */
const OF_CONTENT: ReadonlySet<string> = new Set([
  'content-disposition',
  'content-encoding',
  'content-language',
]);

/** Takes the file's handle. Another method than GET and HEAD, or another status than 200 and 206, gets all of it as the program says. */
export function answerWithFile(request: GatewayRequest, programFile: ProgramFile): GatewayResponse {
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  const { status } = programFile.head;
  return isRead && (status === 200 || status === 206)
    ? represent(programFile).answer(request)
    : allOf(programFile);
}

function represent({ head, file, mediaType }: ProgramFile): FileRepresentation {
  const acceptsRanges = head.field('accept-ranges');
  return new FileRepresentation({
    file,
    mediaType: head.field('content-type') ?? mediaType,
    fields: select(head, (name) => !APART.has(name) && !OF_CONTENT.has(name)),
    contentFields: select(head, (name) => OF_CONTENT.has(name)),
    etag: head.field('etag'),
    lastModified: head.field('last-modified'),
    acceptsRanges: acceptsRanges === undefined || acceptsRanges.toLowerCase() === 'bytes',
    reason: head.status === 200 ? head.reason : '',
  });
}

function allOf({ head, file: { handle, stats } }: ProgramFile): GatewayResponse {
  const size = Number(stats.size);
  const fields = select(head, (name) => name !== 'content-length' && name !== 'content-range');
  return {
    head: new ResponseHead(head.status, [...fields, 'Content-Length', String(size)], head.reason),
    body: { kind: 'file', file: { handle, pieces: [{ offset: 0, length: size }], version: stats } },
  };
}

function select({ fields }: ResponseHead, wanted: (lowerCaseName: string) => boolean): string[] {
  return fieldsWhere(fields, (name) => wanted(name.toLowerCase()));
}
