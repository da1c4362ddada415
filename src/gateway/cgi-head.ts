/**
 * The response head of a CGI program (RFC 3875 section 6): bytes in, a head out; it knows no process.
 *
 *     Status: 404 Not Found LF          lines end in LF or CR LF, mixed too
 *     Content-Type: text/html CR LF
 *     LF                                the first empty line ends the head
 *     the document
 *
 * What the fields say together (RFC 3875 section 6.2):
 *
 *     Location   Status   other fields      it is
 *     no         any      any               a document; 200 without Status
 *     a path     no       none              a local redirect: the server answers with what is at that path
 *     a path     no       some              a document, 302
 *     a URL      no       any               a document, 302
 *     any        given    any               a document with that status, and Location for the client
 *
 * RFC 3875 forbids other fields beside a local path, and programs print them all the same: `Content-Type` out of habit, and
 * `Set-Cookie` after a log-in. Apache redirects locally in these cases too, throws the document away, and the client
 * never learns the address. Here the client is sent there: no field is lost, and its new request passes every check on the
 * way. An explicit Status always wins. The head of an `nph-` program is a complete HTTP head (RFC 3875 section 5), and its
 * Location is for the client.
 */
import { GatewayError } from '../errors.js';
import type { Fields } from '../types.js';
import { CgiFields } from './cgi-fields.js';
import { badHead, headTooLarge, noField, quote } from './cgi-head-error.js';

/** A head whose document follows. `fields` may be sent as they are: no hop-by-hop field, one Content-Length at most. */
interface HeadOfDocument {
  /** 200 to 599. */
  readonly status: number;
  /** '' if the program gives none. */
  readonly reason: string;
  readonly fields: Fields;
  /** What followed the head in the chunk that completed it; a part of this chunk. */
  readonly rest: Buffer;
}

export type CgiHead =
  | ({ readonly kind: 'document' } & HeadOfDocument)
  /** The path is percent-encoded and begins with one `/`; the query is '' if there is none. What the program prints after it means nothing. */
  | { readonly kind: 'local-redirect'; readonly path: string; readonly query: string }
  /** `chunked`: the body comes in chunks (RFC 9112 section 7.1), which have to be undone. */
  | ({ readonly kind: 'nph'; readonly chunked: boolean } & HeadOfDocument);

export interface CgiHeadParserOptions {
  /** The program sends a complete HTTP response: its name begins with `nph-`. */
  readonly nph: boolean;
  /** With the empty line at its end. Default 65,536. */
  readonly maxBytes?: number;
}

const STATUS_LINE = /^HTTP\/1\.[0-9] +([2-5][0-9]{2})(?: +([\t\x20-\x7e\x80-\xff]*))?$/;
/** Fields that do not hinder a local redirect: they say nothing of a document. */
const EMPTY_TALK: ReadonlySet<string> = new Set(['location', 'date', 'server']);
const LF = 0x0a;

/** Reads the head of one response. A line is judged as soon as it is complete, so that a program that prints something else is found out early. */
export class CgiHeadParser {
  readonly #nph: boolean;
  readonly #maxBytes: number;
  readonly #fields = new CgiFields();
  /** The complete lines so far, and the beginning of the next one. */
  #lines = '';
  #line = '';
  #lineNumber = 0;

  constructor({ nph, maxBytes = 65_536 }: CgiHeadParserOptions) {
    this.#nph = nph;
    this.#maxBytes = maxBytes;
  }

  /** What came so far of the head; nothing of the document. */
  get seen(): Buffer {
    return Buffer.from(this.#lines + this.#line, 'latin1');
  }

  /**
   * Takes the next bytes. Not to be called again once it has returned a head or thrown.
   *
   * @param chunk not kept, but the head's `rest` is a part of it
   * @returns undefined while the head is not complete
   * @throws GatewayError 502 `XGI_CGI_BAD_HEAD` or `XGI_CGI_HEAD_TOO_LARGE`
   */
  push(chunk: Buffer): CgiHead | undefined {
    let start = 0;
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
      this.#append(chunk, start, end + 1);
      start = end + 1;
      const line = this.#line.slice(0, this.#line.endsWith('\r\n') ? -2 : -1);
      this.#lines += this.#line;
      this.#line = '';
      if (line === '') return this.#head(chunk.subarray(start));
      this.#read(line);
    }
    this.#append(chunk, start, chunk.length);
    return undefined;
  }

  #append(chunk: Buffer, start: number, end: number): void {
    const room = this.#maxBytes - this.#lines.length - this.#line.length;
    this.#line += chunk.toString('latin1', start, Math.min(end, start + room));
    if (end - start > room) throw headTooLarge(this.#maxBytes, firstLineOf(this.seen));
  }

  #read(line: string): void {
    this.#lineNumber++;
    if (this.#nph && this.#lineNumber === 1) this.#readStatusLine(line);
    else this.#fields.add(line, this.#lineNumber, this.#nph);
  }

  #readStatusLine(line: string): void {
    const match = STATUS_LINE.exec(line);
    if (match === null) {
      throw badHead(
        line,
        'a program whose name begins with nph- prints the whole response, which begins with a status line such as HTTP/1.1 200 OK; the status is 200 to 599',
      );
    }
    this.#fields.status = Number(match[1]);
    this.#fields.reason = match[2] ?? '';
  }

  #head(rest: Buffer): CgiHead {
    return this.#nph ? this.#nphHead(rest) : (this.#localRedirect() ?? this.#documentHead(rest));
  }

  #nphHead(rest: Buffer): CgiHead {
    const { status, reason } = this.#fields;
    if (status === undefined) throw noHead('an empty line comes before its status line');
    const coding = this.#fields.once('transfer-encoding');
    if (coding !== undefined && coding.toLowerCase() !== 'chunked')
      throw badHead(`Transfer-Encoding: ${coding}`, 'expected chunked, or no transfer coding');
    const chunked = coding !== undefined;
    return { kind: 'nph', status, reason, fields: this.#framedFields(status, chunked), chunked, rest };
  }

  #localRedirect(): CgiHead | undefined {
    const location = this.#fields.once('location');
    if (location === undefined || this.#fields.status !== undefined) return undefined;
    // `//host/` is a URL of another server. A fragment is for the client alone, so the client has to be told.
    if (!/^\/(?!\/)/.test(location) || location.includes('#') || !this.#isBare()) return undefined;
    if (location.includes(' ') || location.includes('\t'))
      throw badHead(`Location: ${location}`, 'a URL holds no white space; write %20');
    const question = location.indexOf('?');
    if (question === -1) return { kind: 'local-redirect', path: location, query: '' };
    return {
      kind: 'local-redirect',
      path: location.slice(0, question),
      query: location.slice(question + 1),
    };
  }

  /** Nothing but a Location. */
  #isBare(): boolean {
    const { fields } = this.#fields;
    return fields.every((name, i) => {
      if (i % 2 === 1) return true;
      const lower = name.toLowerCase();
      return EMPTY_TALK.has(lower) || (lower === 'content-length' && Number(fields[i + 1]) === 0);
    });
  }

  #documentHead(rest: Buffer): CgiHead {
    const { status, reason } = this.#fields;
    const isRedirect = this.#fields.once('location') !== undefined;
    if (status === undefined && !isRedirect && this.#fields.once('content-type') === undefined) {
      throw noHead(
        this.#lineNumber === 0
          ? 'an empty line comes first'
          : `none of Content-Type, Location and Status is in it; it begins with ${quote(firstLineOf(this.seen))}`,
      );
    }
    const code = status ?? (isRedirect ? 302 : 200);
    return { kind: 'document', status: code, reason, fields: this.#framedFields(code, false), rest };
  }

  /** Content-Length does not belong to 204 (RFC 9110 section 8.6), and the chunks count themselves (RFC 9112 section 6.3). */
  #framedFields(status: number, chunked: boolean): Fields {
    return status === 204 || chunked ? this.#fields.without('content-length') : this.#fields.fields;
  }
}

/**
 * What to say of output that ended before its head was complete.
 *
 * @param seen the parser's {@link CgiHeadParser.seen}
 * @returns 502 `XGI_CGI_NO_HEAD` if there was no output at all, else 502 `XGI_CGI_BAD_HEAD`
 */
export function describeMissingHead(seen: Buffer): GatewayError {
  if (seen.length === 0) {
    return new GatewayError(
      502,
      'XGI_CGI_NO_HEAD',
      'the CGI program ended without output: it has to print at least Content-Type: text/html and an empty line; its standard error may tell why it did not',
    );
  }
  const line = firstLineOf(seen);
  if (/^(?:HTTP\/|[!#$%&'*+\-.^_`|~0-9A-Za-z]+:)/.test(line))
    return badHead(line, 'the output ended before the empty line that ends a head');
  return noField(line, 1);
}

function noHead(problem: string): GatewayError {
  return new GatewayError(
    502,
    'XGI_CGI_BAD_HEAD',
    `the CGI program's output does not begin with a head: ${problem}. A head begins with Content-Type: text/html and ends with an empty line`,
  );
}

function firstLineOf(seen: Buffer): string {
  return /^[^\r\n]*/.exec(seen.toString('latin1'))![0];
}
