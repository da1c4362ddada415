/**
 * A stylesheet as xslt needs to know it: what comes out of it, and that it reads no other file than it says.
 *
 * xsltproc cannot be kept from reading files. So a stylesheet that computes the name of one, perhaps from what stands in the XML, is refused; and
 * all that it names has to lie in its folder.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { STYLESHEET_FORM } from '../../config/middleware/xslt.js';
import { whyUnreadable } from '../../config/unreadable.js';
import { ConfigError } from '../../errors.js';
import { formatReceived } from '../../errors/received.js';

export interface Stylesheet {
  /** Absolute. */
  readonly file: string;
  /** For Content-Type. */
  readonly mediaType: string;
}

const COMMENTS = /<!--[^]*?-->/g;
const INCLUDED = /<(?:[\w.-]+:)?(?:include|import)\s[^>]*?href\s*=\s*(?:"([^"]*)"|'([^']*)')/g;
/** With an argument that is text as it stands, or with another. */
const DOCUMENT =
  /(?<![\w.-])document\s*\(\s*(?:'([^']*)'|"([^"]*)"|&quot;(.*?)&quot;|&apos;(.*?)&apos;)?\s*(.)/gs;
/** Expressions made of text at run time, which may be of the XML; and functions that are for debugging. */
const REFUSED =
  /http:\/\/exslt\.org\/dynamic|http:\/\/icl\.com\/saxon|http:\/\/xmlsoft\.org\/XSLT\/namespace/;
const OUTPUT = /<(?:[\w.-]+:)?output\s([^>]*)>/;
const TYPE_OF_METHOD: Readonly<Record<string, string>> = {
  html: 'text/html',
  text: 'text/plain',
  xml: 'application/xml',
};

/** @param name as a message names the option @throws ConfigError `XGI_XSLT_STYLESHEET` */
export function readStylesheet(file: string, name: string): Stylesheet {
  const refuse = (observed: string): never => {
    throw new ConfigError('XGI_XSLT_STYLESHEET', `${name}: ${observed}`);
  };
  const folder = path.dirname(file);
  const seen = new Set<string>();
  const look = (at: string): string => {
    seen.add(at);
    const part = path.relative(folder, at);
    const text = read(at, refuse).replaceAll(COMMENTS, '');
    if (REFUSED.test(text))
      refuse(`${part} uses an extension that evaluates text as an expression; remove it`);
    for (const match of text.matchAll(DOCUMENT)) {
      const literal = match[1] ?? match[2] ?? match[3] ?? match[4];
      if (literal === undefined || (match[5] !== ')' && match[5] !== ','))
        refuse(`${part} computes what document() reads; expected the name of a file as it stands`);
      else if (literal !== '' && inside(folder, at, literal) === undefined) refuse(outside(part, literal));
    }
    for (const match of text.matchAll(INCLUDED)) {
      const href = match[1] ?? match[2] ?? '';
      const included = inside(folder, at, href) ?? refuse(outside(part, href));
      if (!seen.has(included)) look(included);
    }
    return text;
  };
  const output = OUTPUT.exec(look(file))?.[1] ?? '';
  const type = attribute(output, 'media-type') ?? TYPE_OF_METHOD[attribute(output, 'method') ?? 'html'];
  const charset = (attribute(output, 'encoding') ?? 'utf-8').toLowerCase();
  return { file, mediaType: `${type ?? 'application/xml'}; charset=${charset}` };
}

function read(file: string, refuse: (observed: string) => never): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    return refuse(
      `expected ${STYLESHEET_FORM}, received ${formatReceived(path.basename(file))}: ${whyUnreadable(error)}`,
    );
  }
}

/** undefined for what is no file in the folder. */
function inside(folder: string, from: string, href: string): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:|^\/|[%#?\0]/i.test(href)) return undefined;
  const file = path.resolve(path.dirname(from), href);
  return file.startsWith(folder + path.sep) ? file : undefined;
}

function outside(name: string, href: string): string {
  return `${name} reads ${JSON.stringify(href)}; expected a file in the folder of the stylesheet`;
}

function attribute(text: string, name: string): string | undefined {
  const match = new RegExp(`(?:^|\\s)${name}\\s*=\\s*(?:"([\\w./+-]*)"|'([\\w./+-]*)')`).exec(text);
  return match?.[1] ?? match?.[2];
}
