/**
 * `injectHtml`: puts text into the pages of an application that cannot be changed: a banner, a script, a stylesheet.
 *
 * Pages are changed while they are sent. They have to be in a charset whose ASCII characters are single bytes of ASCII, as all are that the web
 * still has but UTF-16 and ISO-2022-JP; others stay as they are.
 */
import { injectHtmlOptions } from '../config/middleware/inject-html.js';
import { charsetIn, mediaTypeIn } from '../http/changed-content.js';
import { defineMiddleware } from './define.js';
import { HtmlInjector, type Insertions } from './inject-html/html-injector.js';
import { rewriting } from './rewriting.js';
import { type BodyTransform, transformBody } from './transform-body.js';

const TYPES: ReadonlySet<string> = new Set(['text/html', 'application/xhtml+xml']);
const NOT_ASCII = /^(?:utf-?(?:16|32|7)|ucs-|iso-2022-|hz-gb|csiso2022|unicode)/;

/** Writes HTML before `</head>` and `</body>` of pages; others, and coded ones, stay as they are. `compression` stands in front of it. */
export const injectHtml = defineMiddleware('injectHtml', injectHtmlOptions, ({ head, body }) => {
  const inUtf8 = encode({ head, body }, (text) => Buffer.from(text).toString('latin1'));
  // In markup, these are the same characters in every charset.
  const inAny = encode({ head, body }, (text) =>
    text.replaceAll(/[^\0-\x7f]/gu, (char) => `&#${char.codePointAt(0)};`),
  );
  return rewriting({
    isWanted: ({ fields }) => TYPES.has(mediaTypeIn(fields)) && !NOT_ASCII.test(charsetIn(fields) ?? ''),
    change: (response) => {
      const charset = charsetIn(response.head.fields) ?? 'utf-8';
      return transformBody(response, inject(charset === 'utf-8' || charset === 'utf8' ? inUtf8 : inAny));
    },
  });
});

function encode(
  { head, body }: { readonly head: string | undefined; readonly body: string | undefined },
  encoded: (text: string) => string,
): Insertions {
  return { head: encoded(head ?? ''), body: encoded(body ?? '') };
}

function inject(insertions: Insertions): BodyTransform {
  return async function* injected(chunks) {
    const injector = new HtmlInjector(insertions);
    for await (const chunk of chunks) yield Buffer.from(injector.push(chunk.toString('latin1')), 'latin1');
    yield Buffer.from(injector.end(), 'latin1');
  };
}
