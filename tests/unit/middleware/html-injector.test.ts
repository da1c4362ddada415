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
});
