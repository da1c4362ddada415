/**
 * Puts text before the end tags of head and body. Byte text in, in chunks that may end anywhere, and byte text out; of the input, not more is held
 * back than the beginning of a tag.
 *
 * It looks for these tags where they are tags: not in comments, nor in elements whose content is text (HTML Living Standard, section 13.2.5). Where
 * a page leaves its end tags out, nothing is inserted.
 */
export interface Insertions {
  /** Before `</head>`; byte text. */
  readonly head: string;
  /** Before `</body>`. */
  readonly body: string;
}

/** In markup: what ends it, and the tags that are looked for. */
const MARK =
  /<!--|<(?<raw>script|style|textarea|title|xmp|iframe|noembed|noframes)(?=[\s/>])|<\/(?<end>head|body)(?=[\s/>])/gi;
const COMMENT_END = /--!?>/g;
/** The beginnings of these at the end of a chunk; a mark is one by the character behind it. */
const MARK_BEGINNING = /<[!/]?[-a-z]{0,8}$/i;
const COMMENT_END_BEGINNING = /--?!?$/;
const MOST_HELD = '</textarea'.length;

export class HtmlInjector {
  readonly #insertions: Insertions;
  /** What is to come before anything is a tag again; undefined in markup. */
  #until: RegExp | undefined;
  #held = '';
  readonly #done = { head: false, body: false };
  #isFirst = true;
  #isOther = false;

  constructor(insertions: Insertions) {
    this.#insertions = insertions;
  }

  push(bytes: string): string {
    const text = this.#held + bytes;
    this.#held = '';
    if (this.#isFirst && text.length < 2) {
      this.#held = text;
      return '';
    }
    if (this.#isFirst) {
      this.#isFirst = false;
      // The byte order mark of UTF-16.
      this.#isOther = text.startsWith('\xfe\xff') || text.startsWith('\xff\xfe');
    }
    if (this.#isOther || this.#isDone) return text;
    return this.#scan(text);
  }

  end(): string {
    const held = this.#held;
    this.#held = '';
    return held;
  }

  get #isDone(): boolean {
    const { head, body } = this.#insertions;
    return (this.#done.head || head === '') && (this.#done.body || body === '');
  }

  #scan(text: string): string {
    let out = '';
    let from = 0;
    for (;;) {
      const pattern = this.#until ?? MARK;
      pattern.lastIndex = from;
      const match = pattern.exec(text);
      if (match === null) break;
      const { raw, end } = match.groups ?? {};
      const isEndTag = this.#until === undefined && end !== undefined;
      out +=
        text.slice(from, match.index) + (isEndTag ? this.#insertionFor(end.toLowerCase()) : '') + match[0];
      from = match.index + match[0].length;
      if (this.#until !== undefined) this.#until = undefined;
      else if (raw !== undefined) this.#until = new RegExp(`</${raw}(?=[\\s/>])`, 'gi');
      else if (match[0] === '<!--') this.#until = COMMENT_END;
    }
    const keepFrom = Math.max(from, text.length - beginningAtEnd(text, this.#until));
    this.#held = text.slice(keepFrom);
    return out + text.slice(from, keepFrom);
  }

  #insertionFor(name: string): string {
    if (name !== 'head' && name !== 'body') return '';
    if (this.#done[name]) return '';
    this.#done[name] = true;
    return this.#insertions[name];
  }
}

/** How many characters at the end may be the beginning of what is looked for. */
function beginningAtEnd(text: string, until: RegExp | undefined): number {
  const beginning = until === COMMENT_END ? COMMENT_END_BEGINNING : MARK_BEGINNING;
  return beginning.exec(text.slice(-MOST_HELD))?.[0].length ?? 0;
}
