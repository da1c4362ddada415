/** Who may name a file in a folder that is listed writes a script into the page, and the visitors of the site run it. */
import { afterAll, expect, test } from 'vitest';
import { StaticFolder } from '../support/static-folder.js';

const NAMES = [
  '<script>alert(1)<',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  'javascript:alert(1)',
  '&lt;b&gt;',
  'data:text,x',
];
const folder = new StaticFolder(
  Object.fromEntries([...NAMES.map((name) => [name, '']), ['<i>folder/x', ''], ['<i>folder/y', '']]),
);
afterAll(() => folder.remove());

test('names are text, in the links and in the title', async () => {
  const { get } = await folder.serve({ listing: true });
  for (const target of ['/', '/%3Ci%3Efolder/']) {
    const { body, headers } = await get(target);
    const page = body.toString();
    const tags = new Set([...page.matchAll(/<\/?([a-z!][a-z0-9]*)/gi)].map((match) => match[1]));
    for (const tag of ['script', 'img', 'i', 'b']) expect(tags.has(tag), tag).toBe(false);
    expect(page).not.toMatch(/\son\w+=["']/);
    for (const [, href] of page.matchAll(/href="([^"]*)"/g))
      expect(href).toMatch(/^(?:\.\.\/|[\w.~%-]+\/?)$/);
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
  }
});
