import { expect, test } from 'vitest';
import { escapeHtml } from '../../../src/http/html.js';

test('what could end a text or a value is escaped', () => {
  expect(escapeHtml(`<a href="x" title='y'>&amp;`)).toBe(
    '&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;amp;',
  );
});
