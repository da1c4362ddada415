/** The words of an indexed query, which a program that is meant for them is given as arguments (RFC 3875 section 4.4). */
import { decodePath } from '../../gateway/decode-path.js';
import type { GatewayRequest } from '../../types.js';

// No program that does not expect them is given any: an option of its interpreter would do (CVE-2012-1823).
const CONTROL = /[\x00-\x1f\x7f]/;

/** @returns byte text; none for a query with an unencoded `=`, another method than GET and HEAD, or one that has a control character in it */
export function queryWords({ method, query }: GatewayRequest): readonly string[] {
  if (query === '' || query.includes('=') || (method !== 'GET' && method !== 'HEAD')) return [];
  const words = query.split('+').map(decodePath);
  return words.some((word) => CONTROL.test(word)) ? [] : words;
}
