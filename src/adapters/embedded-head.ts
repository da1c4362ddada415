/** The head of a request that another server has read: the same checks as of one that came over a connection of ours. */
import { type RequestHead, interpretHead } from '../server/http1/request-head.js';
import type { Fields, HttpVersion } from '../types.js';

export interface GivenHead {
  readonly method: string;
  /** In origin form. */
  readonly target: string;
  /** With a Host, but for HTTP/1.0. */
  readonly fields: Fields;
  readonly httpVersion: HttpVersion;
  /** undefined: the fields tell, as they do in HTTP/1. */
  readonly hasBody?: boolean;
}

/** @throws RemoteProtocolError with the status to answer */
export function readGivenHead({ method, target, fields, httpVersion, hasBody }: GivenHead): RequestHead {
  const head = interpretHead(method, target, httpVersion === '1.0' ? 0 : 1, fields);
  // It can be left neither to nor by those who embed us.
  const given = { ...head, httpVersion, upgrade: false };
  if (hasBody === undefined) return given;
  const isKnown = fields.some((name, i) => i % 2 === 0 && name.toLowerCase() === 'content-length');
  return { ...given, contentLength: !hasBody ? 0 : isKnown ? head.contentLength : -1 };
}
