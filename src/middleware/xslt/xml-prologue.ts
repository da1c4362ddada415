/**
 * What stands before the root element of XML. A document type declaration is refused there: its entities name files that the parser would read
 * into the answer (XXE), and multiply without end ("billion laughs").
 *
 * That can only be seen in an encoding whose ASCII characters are bytes of ASCII, for the parser too.
 */
const ENCODING = /^(?:utf-?8|us-ascii|ascii|iso-8859-\d{1,2}|windows-125\d)$/i;
const DECLARATION = /^<\?xml\s[^>]*?encoding\s*=\s*["']([^"']*)["']/;
/** Its BOM, white space, processing instructions and comments. */
const MISC = /(?:\xef\xbb\xbf)?(?:[ \t\r\n]+|<\?[^]*?\?>|<!--[^]*?-->)*/y;

/** Why it cannot be given to a parser; undefined if it can. */
export function refusalOf(xml: Buffer, charset: string | undefined): string | undefined {
  if (charset !== undefined && !ENCODING.test(charset)) return `its charset is ${charset}`;
  const text = xml.toString('latin1');
  const declared = DECLARATION.exec(text.replace(/^\xef\xbb\xbf/, ''))?.[1];
  if (declared !== undefined && !ENCODING.test(declared)) return `its encoding is ${declared}`;
  MISC.lastIndex = 0;
  MISC.exec(text);
  if (/^<[A-Za-z_:\x80-\xff]/.test(text.slice(MISC.lastIndex, MISC.lastIndex + 2))) return undefined;
  return text.startsWith('<!DOCTYPE', MISC.lastIndex)
    ? 'it has a document type declaration'
    : 'it does not begin with an element';
}
