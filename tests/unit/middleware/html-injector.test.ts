import { describe, expect, test } from 'vitest';
import { HtmlInjector } from '../../../src/middleware/inject-html/html-injector.js';

const insertions = { head: '[H]', body: '[B]' };

function inject(...chunks: readonly string[]): string {
  const injector = new HtmlInjector(insertions);
  return chunks.map((chunk) => injector.push(chunk)).join('') + injector.end();
}

const PAGE = `<!DOCTYPE html><HTML><Head><title></head></title><!-- </head> --><style>a</body></style>
<script>document.write('</head><!--</body>')</script ><!-- -- --!><textarea-x></head-x></HEAD
><body>a < b <textarea></body></textarea
></BODY></html></head></body>`;
const INJECTED = PAGE.replace('</HEAD', '[H]</HEAD').replace('</BODY>', '[B]</BODY>');

describe('injecting', () => {
  test('before the end tags, where they are tags, once', () => {
    expect(inject(PAGE)).toBe(INJECTED);
  });

  test('wherever chunks end', () => {
    for (let at = 0; at <= PAGE.length; at++)
      expect(inject(PAGE.slice(0, at), PAGE.slice(at))).toBe(INJECTED);
    expect(inject(...PAGE)).toBe(INJECTED);
  });

  test('holds back nothing that is no beginning of a tag', () => {
    const injector = new HtmlInjector(insertions);
    for (const chunk of ['<p>text ', 'a < b', '</p>', '<h1', ' a="', '1">']) {
      const isBeginning = chunk === '<h1';
      expect(injector.push(chunk)).toBe(isBeginning ? '<h1' : chunk);
    }
    expect(injector.push('</bo')).toBe('');
    expect(injector.push('ok>')).toBe('</book>');
  });

  test.each(['', '<', 'a fragment', '<p>no end tags', '</body', '<!-- </body>', '<script></head></body>'])(
    '%j stays as it is',
    (text) => {
      expect(inject(text)).toBe(text);
      expect(inject(...text)).toBe(text);
    },
  );

  test('UTF-16 stays as it is', () => {
    const text = Buffer.from('\ufeff</head>', 'utf16le').toString('latin1');
    expect(inject(...text)).toBe(text);
  });

  // `|` is where the text goes.
  test.each([
    `<body><a title="</body>">x</a>|</body>`,
    `<body><a title='</body>'>x</a>|</body>`,
    `<body><a title = "</body>"href='>'>x</a>|</body>`,
    `<body><a title="<script>">x</a>|</body>`,
    `<body><a title="<!--">x</a>|</body>`,
    `<body><a b=c="x>y</a>|</body>`,
    `<body><a b=c'x>y</a>|</body>`,
    `<body><a ="x>y</a>|</body>`,
    `<body><a b"c>y</a>|</body>`,
    `<body><a b=>y</a>|</body>`,
    `<body><a b=/>y</a>|</body>`,
    `<body><a/b="</body>"/>|</body>`,
    `<body><h1 a="</body>">x</h1>|</body>`,
    `<body><custom-element a="</body>">|</body>`,
    `<body><script src="</script>"></body></script a="</body>">|</body>`,
    `<body></p a="</body>">|</body a="</body>">`,
    `<body><!--><p>|</body>`,
    `<body><!---><p>|</body>`,
    `<body><!--!></body>--!>|</body>`,
    `<body><!---a></body>-->|</body>`,
    `<body><!x </body>|</body>`,
    `<body><!-x </body>|</body>`,
    `<body><? </body>|</body>`,
    `<body></ </body>|</body>`,
    `<body></>|</body>`,
    `<body>1 < 2 <3|</body/>`,
    `<body><p title="\xa0" \xa0=">">|</body>`,
    `<!DOCTYPE html PUBLIC "-//W3C//DTD">|</body>`,
    `<body><plaintext></plaintext></body>`,
  ])('as a browser reads it: %s', (marked) => {
    const page = marked.replace('|', '');
    const expected = marked.replace('|', '[B]');
    expect(inject(page)).toBe(expected);
    expect(inject(...page)).toBe(expected);
    for (let at = 0; at <= page.length; at++)
      expect(inject(page.slice(0, at), page.slice(at))).toBe(expected);
  });
});
