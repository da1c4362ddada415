/** Byte classes of the HTTP/1.1 grammar (RFC 9110 section 5.6.2, RFC 9112), as tables for the parser's loops. */

export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const COLON = 0x3a;

/** 1 for a byte of a token. */
export const TOKEN: Uint8Array = table(
  "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
);

/** 1 for a byte that may stand inside a head line: visible ASCII, SP, HTAB and obs-text; no control character. */
export const TEXT: Uint8Array = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) TEXT[byte] = byte === HTAB || (byte >= SP && byte !== 0x7f) ? 1 : 0;

/** 1 for a byte of a request target: visible, no `#` (a fragment is never sent, RFC 9112 section 3.2). Raw UTF-8 is let through, as browsers and curl send it. */
export const TARGET: Uint8Array = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) TARGET[byte] = byte > SP && byte !== 0x7f && byte !== 0x23 ? 1 : 0;

function table(members: string): Uint8Array {
  const result = new Uint8Array(256);
  for (const member of members) result[member.charCodeAt(0)] = 1;
  return result;
}
