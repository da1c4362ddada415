/** Entity tags (RFC 9110 section 8.8.3): the version of a representation. */

/** `"opaque"` or `W/"opaque"`, as it is written. */
export type EntityTag = string;

/** `*`, or the tags that were listed. */
export type EntityTagList = '*' | readonly EntityTag[];

const LISTED = /\s*(?<tag>(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*")\s*(?:,[\s,]*|$)/y;
const EMPTY_MEMBERS = /^[\s,]+/;

/** The value of If-Match or If-None-Match; undefined for what is neither `*` nor a list of tags. */
export function parseEntityTags(value: string): EntityTagList | undefined {
  const text = value.replace(EMPTY_MEMBERS, '').trimEnd();
  if (text === '*') return '*';
  const tags: EntityTag[] = [];
  LISTED.lastIndex = 0;
  while (LISTED.lastIndex < text.length) {
    const tag = LISTED.exec(text)?.groups?.['tag'];
    if (tag === undefined) return undefined;
    tags.push(tag);
  }
  return tags.length === 0 ? undefined : tags;
}

export function isWeak(tag: EntityTag): boolean {
  return tag.startsWith('W/');
}

/** For If-Match and If-Range: the same bytes. */
export function matchesStrongly(a: EntityTag, b: EntityTag): boolean {
  return a === b && !isWeak(a);
}

/** For If-None-Match: one is as good as the other. */
export function matchesWeakly(a: EntityTag, b: EntityTag): boolean {
  return opaque(a) === opaque(b);
}

function opaque(tag: EntityTag): string {
  return isWeak(tag) ? tag.slice(2) : tag;
}
