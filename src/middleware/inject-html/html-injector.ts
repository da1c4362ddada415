/**
 * Puts text before the end tags of head and body. Byte text in, in chunks that may end anywhere, and byte text out; of the input, not more is held
 * back than the beginning of a tag.
 *
 * It looks for these tags where they are tags: not in comments, nor in the values of attributes, nor in elements whose content is text (HTML Living
 * Standard, section 13.2.5). Where a page leaves its end tags out, nothing is inserted.
 */
export interface Insertions {
  /** Before `</head>`; byte text. */
  readonly head: string;
  /** Before `</body>`. */
  readonly body: string;
}

/**
 * What may begin in markup: an element whose content is text, an end tag that is looked for, a comment, what a browser takes for one, and any other
 * tag. At the end of a chunk, only what cannot become another with the next.
 */
const MARK = new RegExp(
  [
    String.raw`<(?<raw>script|style|textarea|title|xmp|iframe|noembed|noframes|plaintext)(?=[\t\n\f\r />])`,
    String.raw`<\/(?<end>head|body)(?=[\t\n\f\r />])`,
    '(?<empty><!---?>)',
    '(?<comment><!--)(?=[^>-]|-[^>])',
    String.raw`(?<bogus><\?|<!(?=[^-]|-[^-])|<\/(?=[^a-z>]))`,
    // Most tags, at once: by their parts it takes twice as long.
    String.raw`(?<whole><\/?[a-z][^\t\n\f\r />]*(?:[\t\n\f\r ]+[\w:.@-]+(?:="[^"]*"|='[^']*')?)*[\t\n\f\r ]*\/?>)`,
    String.raw`<\/?[a-z](?![a-z]{0,8}$)`,
  ].join('|'),
  'gi',
);
const COMMENT_END = /--!?>/g;
const BOGUS_END = />/g;
/** Nothing ends it. */
const PLAINTEXT_END = /(?!)/g;
/** The beginnings of these at the end of a chunk; a mark is one by the character behind it. */
const MARK_BEGINNING = /<(?:!-{0,3}|\/?[a-z]{0,9})$/i;
const COMMENT_END_BEGINNING = /--?!?$/;
const MOST_HELD = '</plaintext'.length;

type TagPart =
  | 'tagName'
  | 'gap'
  | 'name'
  | 'afterName'
  | 'beforeValue'
  | 'unquoted'
  | 'doubleQuoted'
  | 'singleQuoted';

interface TagState {
  /** The first character that is none of this part. */
  readonly until: RegExp;
  /** Which part begins with it. */
  readonly next: Readonly<Record<string, TagPart | 'end'>>;
  readonly otherwise: TagPart;
}

/** The parts of a tag: in a value, there are no tags. */
const TAG: Readonly<Record<TagPart, TagState>> = {
  tagName: { until: /[\t\n\f\r />]/g, next: { '>': 'end' }, otherwise: 'gap' },
  gap: { until: /[^\t\n\f\r /]/g, next: { '>': 'end' }, otherwise: 'name' },
  name: {
    until: /[\t\n\f\r /=>]/g,
    next: { '>': 'end', '/': 'gap', '=': 'beforeValue' },
    otherwise: 'afterName',
  },
  afterName: {
    until: /[^\t\n\f\r ]/g,
    next: { '>': 'end', '/': 'gap', '=': 'beforeValue' },
    otherwise: 'name',
  },
  beforeValue: {
    until: /[^\t\n\f\r ]/g,
    next: { '>': 'end', '"': 'doubleQuoted', "'": 'singleQuoted' },
    otherwise: 'unquoted',
  },
  unquoted: { until: /[\t\n\f\r >]/g, next: { '>': 'end' }, otherwise: 'gap' },
  doubleQuoted: { until: /"/g, next: {}, otherwise: 'gap' },
  singleQuoted: { until: /'/g, next: {}, otherwise: 'gap' },
};

export class HtmlInjector {
  readonly #insertions: Insertions;
  /** In a tag. */
  #part: TagPart | undefined;
  /** What is to come before anything is a tag again; undefined in markup. In a tag, what its content ends with. */
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
    let copied = 0;
    let from = 0;
    for (;;) {
      const pattern = this.#part === undefined ? (this.#until ?? MARK) : TAG[this.#part].until;
      pattern.lastIndex = from;
      const match = pattern.exec(text);
      if (match === null) break;
      from = match.index + match[0].length;
      const insertion = this.#step(match);
      if (insertion === '') continue;
      out += text.slice(copied, match.index) + insertion;
      copied = match.index;
    }
    const held = this.#part === undefined ? beginningAtEnd(text, this.#until) : 0;
    const keepFrom = Math.max(from, text.length - held);
    this.#held = text.slice(keepFrom);
    return out + text.slice(copied, keepFrom);
  }

  /** @returns what is to be inserted before the match */
  #step(match: RegExpExecArray): string {
    if (this.#part !== undefined) {
      const { next, otherwise } = TAG[this.#part];
      const part = next[match[0]] ?? otherwise;
      this.#part = part === 'end' ? undefined : part;
      return '';
    }
    if (this.#until !== undefined) {
      // The end tag of an element may have attributes, too.
      if (this.#until !== COMMENT_END && this.#until !== BOGUS_END) this.#part = 'tagName';
      this.#until = undefined;
      return '';
    }
    const { raw, end, empty, comment, bogus, whole } = match.groups!;
    if (empty !== undefined || whole !== undefined) return '';
    if (comment !== undefined) this.#until = COMMENT_END;
    else if (bogus !== undefined) this.#until = BOGUS_END;
    else this.#part = 'tagName';
    if (raw !== undefined) this.#until = endOf(raw.toLowerCase());
    return end === undefined ? '' : this.#insertionFor(end.toLowerCase());
  }

  #insertionFor(name: string): string {
    if (name !== 'head' && name !== 'body') return '';
    if (this.#done[name]) return '';
    this.#done[name] = true;
    return this.#insertions[name];
  }
}

function endOf(raw: string): RegExp {
  return raw === 'plaintext' ? PLAINTEXT_END : new RegExp(`</${raw}(?=[\\t\\n\\f\\r />])`, 'gi');
}

/** How many characters at the end may be the beginning of what is looked for. */
function beginningAtEnd(text: string, until: RegExp | undefined): number {
  const beginning = until === COMMENT_END ? COMMENT_END_BEGINNING : MARK_BEGINNING;
  return beginning.exec(text.slice(-MOST_HELD))?.[0].length ?? 0;
}
