const MADE_ANOTHER = /\\|\/(?:\.|%2e){1,2}(?:\/|$)/i;

/** Whether a parser of URLs makes another path of this one (RFC 3986 section 5.2.4), and browsers a slash of its backslash. @param path percent-encoded */
export function hasDotSegments(path: string): boolean {
  return MADE_ANOTHER.test(path);
}
