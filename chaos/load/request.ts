/** One request of a load as bytes, and whether an answer is the one that belongs to it. */
import { randomFillSync } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Answer } from '../http/answer-parser.js';
import type { RequestKind } from './plan.js';

export interface SentRequest {
  readonly id: string;
  readonly kind: RequestKind;
  readonly head: string;
  readonly body: Buffer | undefined;
  /** The answer's first line, but for process and version. */
  readonly bodyLine: string;
  sentAtMs: number;
}

/** A body is the id, so that no two are the same, and then some of this. */
const NOISE = randomFillSync(Buffer.allocUnsafe(8 * 2 ** 20));

const FIRST_LINE = /^(\S+) (\d+) (\S+) (\d+ [0-9a-f]{8})\n/;

export function makeRequest(kind: RequestKind, id: string, close = false): SentRequest {
  const { method, path, query, answerBytes } = kind;
  const parameters = [`id=${id}`, ...(query ? [query] : []), ...(answerBytes ? [`size=${answerBytes}`] : [])];
  const body = method === 'POST' ? makeBody(id, kind.bodyBytes ?? 0) : undefined;
  const fields = [
    'Host: chaos',
    ...(body ? [`Content-Length: ${body.length}`] : []),
    ...(close ? ['Connection: close'] : []),
  ];
  return {
    id,
    kind,
    head: `${method} ${path}?${parameters.join('&')} HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n`,
    body,
    bodyLine: `${body?.length ?? 0} ${crc32(body ?? '')
      .toString(16)
      .padStart(8, '0')}`,
    sentAtMs: 0,
  };
}

function makeBody(id: string, bytes: number): Buffer {
  const body = Buffer.from(NOISE.subarray(0, Math.max(bytes, id.length)));
  body.write(id, 'latin1');
  return body;
}

export interface Origin {
  readonly pid: number;
  readonly version: string;
}

/** Who made the answer of status 200. @throws if it is not exactly the answer to this request */
export function checkAnswer({ body }: Answer, request: SentRequest): Origin {
  const [line, id, pid, version, bodyLine] = FIRST_LINE.exec(body.toString('latin1', 0, 200)) ?? [];
  if (line === undefined) throw new Error(`not an answer of the application: ${excerpt(body)}`);
  if (id !== request.id) throw new Error(`the answer is that of ${id}`);
  if (bodyLine !== request.bodyLine)
    throw new Error(`the application read a body of ${bodyLine}, it was ${request.bodyLine}`);
  checkFiller(body.subarray(line.length), request);
  return { pid: Number(pid), version: version! };
}

function checkFiller(filler: Buffer, { id, kind }: SentRequest): void {
  const bytes = kind.answerBytes ?? 0;
  if (filler.length !== bytes)
    throw new Error(`the answer has ${filler.length} bytes of filler, not ${bytes}`);
  if (bytes > 0 && !filler.equals(Buffer.alloc(bytes, id, 'latin1')))
    throw new Error('the filler is not of this request');
}

function excerpt(body: Buffer): string {
  return JSON.stringify(body.toString('latin1', 0, 80));
}
