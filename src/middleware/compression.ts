/**
 * `compression`: content codings for those who take them (RFC 9110 sections 8.4 and 12.5.3).
 *
 * Which answers are coded depends on their heads alone, and on how long they are: the same for HEAD as for GET. What is coded already, or must not
 * be changed, or is a part, stays as it is. Where a secret and what a client sends stand in one page over TLS, its length tells of the secret
 * (BREACH): such pages are to say `Cache-Control: no-transform`.
 */
import { disposeBody } from '../bodies/dispose-body.js';
import { iterableBody } from '../bodies/iterable-body.js';
import { ownResponseChunks } from '../bodies/response-chunks.js';
import { wholeBody } from '../bodies/whole-body.js';
import { compressionOptions } from '../config/middleware/compression.js';
import { refuse } from '../config/refuse.js';
import { chooseCoding } from '../http/accept.js';
import {
  mayBeRewritten,
  mediaTypeIn,
  recodedFields,
  recodedTrailers,
  weaklyTagged,
} from '../http/changed-content.js';
import { matchesWeakly, parseEntityTags } from '../http/entity-tag.js';
import { combinedValue, withField } from '../http/field-values.js';
import type { ResponseHead } from '../http/response-head.js';
import { withVary } from '../http/vary.js';
import type { GatewayRequest, GatewayResponse, ResponseBody } from '../types.js';
import { type Answer, changeAnswer, headWithFields } from './answer.js';
import { CodedSource } from './compression/coded-source.js';
import {
  type Coding,
  type CodingName,
  createCoding,
  hasZstd,
  MAX_WHOLE_BYTES,
} from './compression/codings.js';
import { typeTest } from './compression/media-types.js';
import { defineMiddleware } from './define.js';

const CODINGS: readonly CodingName[] = ['br', 'zstd', 'gzip'];
const LEVELS = { gzip: 5, br: 4, zstd: 3 };
const MIN_BYTES = 1024;
/** Up to here it is quicker to compress on this thread than to have another one do it. */
const MAX_SYNC_BYTES = 16_384;

/** What becomes of the answers with one head: a program answers with the same one again and again (http/response-head.ts). */
interface Heads {
  /** As it is, for who takes no coding. */
  readonly varying: ResponseHead;
  readonly coded: Map<CodingName, ResponseHead>;
}

/**
 * Codes answers of 1 KiB and more whose types gain by it: by default brotli (level 4), zstd (3) or gzip (5), what the client likes best. It stands
 * in front of what reads or changes content.
 */
export const compression = defineMiddleware('compression', compressionOptions, (options, { nameOf }) => {
  const { codings = CODINGS, level, brotliLevel, zstdLevel, minSize = MIN_BYTES, types } = options;
  const names = codings.filter((name) => name !== 'zstd' || hasZstd);
  if (names.length === 0)
    throw refuse(nameOf('codings'), 'br or gzip as well', codings, ': this Node has no zstd');
  const levels = { gzip: level ?? LEVELS.gzip, br: brotliLevel ?? LEVELS.br, zstd: zstdLevel ?? LEVELS.zstd };
  const codingOf = new Map(names.map((name) => [name, createCoding(name, levels)]));
  const gains = typeTest(types);
  const known = new WeakMap<ResponseHead, Heads | null>();

  /** null if it never is coded. */
  const headsOf = (head: ResponseHead): Heads | null => {
    let heads = known.get(head);
    if (heads === undefined) {
      heads =
        mayBeRewritten(head) && gains(mediaTypeIn(head.fields))
          ? { varying: varying(head), coded: new Map() }
          : null;
      known.set(head, heads);
    }
    return heads;
  };

  const change = (request: GatewayRequest, response: GatewayResponse): Answer => {
    const { head, body } = response;
    if (head.status === 304) return { head: unmodified(request, head), body };
    const bytes = lengthOf(request, response);
    if (body.kind === 'tunnel' || (bytes !== -1 && bytes < minSize)) return response;
    const heads = headsOf(head);
    if (heads === null) return response;
    const name = chooseCoding(combinedValue(request.fields, 'accept-encoding'), names);
    if (name === null) return { head: heads.varying, body };
    let coded = heads.coded.get(name);
    if (coded === undefined) {
      const fields = recodedFields(heads.varying.fields);
      coded = headWithFields(head, withField(fields, 'Content-Encoding', name));
      heads.coded.set(name, coded);
    }
    if (request.method === 'HEAD') {
      disposeBody(body);
      return { head: coded, body: { kind: 'empty' } };
    }
    return encode(coded, wholeBody(body, head.contentLength), codingOf.get(name)!);
  };

  return (next) => (request) => changeAnswer(next(request), (response) => change(request, response));
});

function varying(head: ResponseHead): ResponseHead {
  return headWithFields(head, withVary(head.fields, 'Accept-Encoding'));
}

/**
 * The head that the coded answer would have had. What a client has of it has a weak entity tag, and a cache finds what it is to freshen by the
 * tag (RFC 9111 section 4.3.4).
 */
function unmodified(request: GatewayRequest, head: ResponseHead): ResponseHead {
  const etag = head.field('etag');
  const held = parseEntityTags(combinedValue(request.fields, 'if-none-match') ?? '');
  if (etag === undefined || held === undefined || held === '*' || held.includes(etag)) return head;
  if (!held.some((tag) => matchesWeakly(tag, etag))) return head;
  return headWithFields(head, weaklyTagged(withVary(head.fields, 'Accept-Encoding')));
}

/** Of the content that GET would have; -1 if nobody knows. */
function lengthOf({ method }: GatewayRequest, { head, body }: GatewayResponse): number {
  if (head.contentLength !== -1) return head.contentLength;
  switch (body.kind) {
    case 'empty':
      return method === 'HEAD' ? -1 : 0;
    case 'bytes':
      return body.bytes.length === 0 && method === 'HEAD' ? -1 : body.bytes.length;
    case 'file':
      return body.file.pieces.reduce((sum, { length }) => sum + length, 0);
    default:
      return -1;
  }
}

function encode(head: ResponseHead, body: ResponseBody, coding: Coding): Answer {
  if (body.kind !== 'bytes' || body.bytes.length > MAX_WHOLE_BYTES) {
    const stream = body.kind === 'stream' ? body : iterableBody(ownResponseChunks(body));
    const source = new CodedSource(stream.source, coding);
    return { head, body: { kind: 'stream', source, trailers: recodedTrailers(stream.trailers) } };
  }
  const bytes = typeof body.bytes === 'string' ? Buffer.from(body.bytes, 'latin1') : body.bytes;
  const complete = (coded: Buffer): GatewayResponse => {
    body.taken?.();
    return { head, body: { kind: 'bytes', bytes: coded } };
  };
  return bytes.length <= MAX_SYNC_BYTES
    ? complete(coding.encodeSync(bytes))
    : coding.encode(bytes).then(complete);
}
