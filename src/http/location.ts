/** Where a redirect leads to (RFC 9110 section 10.2.2). */

/**
 * The target with the query of the request, unless it has one of its own; in front of its fragment.
 *
 * @param location a URI reference @param query without `?`
 */
export function withQuery(location: string, query: string): string {
  const mark = location.indexOf('#');
  const front = mark === -1 ? location : location.slice(0, mark);
  if (query === '' || front.includes('?')) return location;
  return `${front}?${query}${location.slice(front.length)}`;
}
