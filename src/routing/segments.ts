/**
 * The segments of a request's path (RFC 3986 section 3.3), percent-decoded once. What could mean another path to
 * whoever reads it next is refused.
 */
import { decodePath } from '../gateway/decode-path.js';

export type Segments =
  | { readonly kind: 'segments'; readonly segments: readonly string[] }
  | { readonly kind: 'refused'; readonly status: 400 | 404; readonly reason: string };

const BAD_ESCAPE = /%(?![0-9A-Fa-f]{2})/;
const ENCODED_SLASH = /%2f/i;
/** Or a character beyond latin-1, of which only the low byte reaches the disk: that of U+012F is a slash. */
const CONTROL = /[\x00-\x1f\x7f]|[^\x00-\xff]/;
const DOT_SEGMENT = /^\.\.?$/;

/**
 * @param path percent-encoded
 * @returns the decoded text between the slashes, byte text; the last is '' if the path ends with a slash. 400 for what no honest
 * client sends, 404 for a slash or backslash inside a name, which is a name that no file has
 */
export function decodeSegments(path: string): Segments {
  if (!path.startsWith('/')) return refused(400, 'the path does not begin with a slash');
  if (BAD_ESCAPE.test(path))
    return refused(400, 'the path has a % that is not followed by two hexadecimal digits');
  if (ENCODED_SLASH.test(path)) return refused(404, 'the path has an encoded slash');
  const decoded = path.includes('%') ? decodePath(path) : path;
  if (CONTROL.test(decoded)) return refused(400, 'the path has a control character');
  // Programs on other systems take it for a slash, and browsers write it as one.
  if (decoded.includes('\\')) return refused(404, 'the path has a backslash');
  const segments = decoded.slice(1).split('/');
  // Browsers and our parser's peers resolve these before they send (RFC 3986 section 6.2.2.3).
  if (segments.some((segment) => DOT_SEGMENT.test(segment)))
    return refused(400, 'the path has a . or .. segment');
  return { kind: 'segments', segments };
}

/** One segment of byte text, percent-encoded so that it is a name and nothing else wherever it is put. */
export function encodeSegment(text: string): string {
  return text.replaceAll(
    /[^A-Za-z0-9._~-]/g,
    (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

function refused(status: 400 | 404, reason: string): Segments {
  return { kind: 'refused', status, reason };
}
