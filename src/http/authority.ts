/** host[:port], as in Host and in a request target (RFC 9110 section 7.2, RFC 3986 section 3.2). */

const AUTHORITY = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=%]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?$/;

export function isAuthority(text: string): boolean {
  return AUTHORITY.test(text);
}
