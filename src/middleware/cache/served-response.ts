/**
 * A stored response as it is given: a head whose Age is right for this second, made once for all who ask in it, and a body that goes out with it
 * in one write.
 */
import { OF_THE_CONTENT } from '../../http/changed-content.js';
import { evaluatePreconditions } from '../../http/conditional.js';
import { parseHttpDate } from '../../http/date.js';
import { type CacheStatus, withCacheStatus } from '../../http/cache-status.js';
import { firstValue, withField, withoutFields } from '../../http/field-values.js';
import { ResponseHead } from '../../http/response-head.js';
import type { StoredResponse } from '../../http/stored-response.js';
import type { GatewayRequest, GatewayResponse, ResponseBody } from '../../types.js';

/** Head and body go out as one string up to here. */
const MAX_TEXT_BYTES = 16_384;

export class ServedResponse {
  readonly #stored: StoredResponse;
  readonly #body: ResponseBody;
  #age = -1;
  #response!: GatewayResponse;

  constructor(stored: StoredResponse) {
    this.#stored = stored;
    const { buffer, byteOffset, byteLength } = stored.body;
    const bytes = Buffer.from(buffer, byteOffset, byteLength);
    this.#body = { kind: 'bytes', bytes: byteLength <= MAX_TEXT_BYTES ? bytes.toString('latin1') : bytes };
  }

  /** As a hit. */
  answer(): GatewayResponse {
    const nowMs = Date.now();
    const age = this.#ageAt(nowMs);
    if (age !== this.#age) {
      this.#age = age;
      const ttl = Math.ceil((this.#stored.freshUntilMs - nowMs) / 1000);
      this.#response = { head: this.#head(age, { hit: true, ttl }), body: this.#body };
    }
    return this.#response;
  }

  /** After the application was asked. */
  answerWith(status: CacheStatus): GatewayResponse {
    return { head: this.#head(this.#ageAt(Date.now()), status), body: this.#body };
  }

  #ageAt(nowMs: number): number {
    return Math.max(0, Math.floor((nowMs - this.#stored.bornAtMs) / 1000));
  }

  #head(age: number, cacheStatus: CacheStatus): ResponseHead {
    const { status, reason, fields } = this.#stored;
    return new ResponseHead(
      status,
      withCacheStatus(withField(fields, 'Age', String(age)), cacheStatus),
      reason,
    );
  }
}

/** Whether the client has that representation already: a 200 becomes a 304 then. */
export function isUnmodified(request: GatewayRequest, { status, fields }: ResponseHead): boolean {
  if (status !== 200) return false;
  const modified = firstValue(fields, 'last-modified');
  const lastModifiedMs = modified === undefined ? undefined : parseHttpDate(modified);
  const etag = firstValue(fields, 'etag');
  if (etag === undefined && lastModifiedMs === undefined) return false;
  // Nothing matches what is not there.
  const validators = { etag: etag ?? '', lastModifiedMs: lastModifiedMs ?? Number.NaN };
  return evaluatePreconditions(request.fields, validators) === 'unmodified';
}

export function unmodifiedHead({ fields }: ResponseHead): ResponseHead {
  return new ResponseHead(304, withoutFields(fields, OF_THE_CONTENT));
}
