/** The head of a TypeScript application's answer. */
import { GatewayError, LocalProtocolError } from '../../errors.js';
import { HeadCache } from '../../http/head-cache.js';
import { ResponseHead } from '../../http/response-head.js';
import type { Fields } from '../../types.js';

/** Of the connection, which is the server's (RFC 9110 section 7.6.1). Frameworks set them for servers that need to be told. */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'transfer-encoding']);

const heads = new HeadCache();

/** @throws GatewayError 500 `XGI_APP_RESPONSE` for what cannot be sent */
export function applicationHead(status: number, reason: string, fields: Fields): ResponseHead {
  const key = `${status} ${reason}\0${fields.join('\0')}`;
  const known = heads.get(key);
  // A value with a NUL in it would make the key of a head with more fields: it has fewer itself.
  if (known !== undefined && known.fields.length === fields.length) return known;
  try {
    const head = new ResponseHead(status, withoutConnectionFields(fields), reason);
    return head.fields.length === fields.length ? heads.add(key, head) : head;
  } catch (error) {
    if (error instanceof LocalProtocolError) throw badResponse(error.message);
    throw error;
  }
}

/** What the application has returned is no answer. */
export function badResponse(observed: string): GatewayError {
  return new GatewayError(500, 'XGI_APP_RESPONSE', `the application’s answer is none: ${observed}`);
}

function withoutConnectionFields(fields: Fields): Fields {
  let kept: string[] | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    if (OF_THE_CONNECTION.has(fields[i]!.toLowerCase())) kept ??= fields.slice(0, i);
    else kept?.push(fields[i]!, fields[i + 1]!);
  }
  return kept ?? fields;
}
