/** The media type of a file, by its name (RFC 9110 section 8.3). */
import mime from 'mime';

const UNKNOWN = 'application/octet-stream';
/** Text that is in UTF-8 unless it says otherwise itself: browsers take windows-1252 for granted if nobody tells them. */
const TEXT = /^text\/|^application\/(?:javascript|json|manifest\+json|xml|xhtml\+xml|rss\+xml|atom\+xml)$/;

/** For Content-Type: `text/html; charset=utf-8`. `application/octet-stream` for an ending that nobody knows. */
export function mediaTypeOf(fileName: string): string {
  const type = mime.getType(fileName) ?? UNKNOWN;
  return TEXT.test(type) ? `${type}; charset=utf-8` : type;
}
