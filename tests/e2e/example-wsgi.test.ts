/** examples/wsgi-hello: shows the environ, takes a form, and streams. */
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { repository } from '../support/paths.js';
import { startXgi, type XgiServer } from '../support/xgi.js';

let server: XgiServer;

beforeAll(async () => {
  server = await startXgi(['wsgi', path.join(repository, 'examples/wsgi-hello/hello.py'), '-w', '1']);
});

afterAll(async () => {
  await server?.stop();
});

test('shows the environ, escaped', async () => {
  const home = await fetch(server.url('/?greeting=%3Cb%3E'));
  expect(home.status).toBe(200);
  const page = await home.text();
  expect(page).toContain('<th>QUERY_STRING<td>&#x27;greeting=%3Cb%3E&#x27;');
  expect(page).toContain('<th>wsgi.version<td>(1, 0)');
  expect(page).toContain(`<th>HTTP_HOST<td>&#x27;${new URL(server.origin).host}&#x27;`);
});

test('answers a form, and refuses what is none', async () => {
  const echo = await fetch(server.url('/echo'), {
    method: 'POST',
    body: new URLSearchParams({ name: '<Zoë>' }),
  });
  expect(await echo.text()).toContain('<h1>Hello, &lt;Zoë&gt;!</h1>');

  const refused = await fetch(server.url('/echo'));
  expect(refused.status).toBe(405);
  expect(refused.headers.get('allow')).toBe('POST');
  expect((await fetch(server.url('/nothing'))).status).toBe(404);
});

test('streams the clock, whose first line is there long before its last', async () => {
  const response = await fetch(server.url('/clock'));
  const reader = response.body?.getReader();
  const first = Buffer.from((await reader?.read())?.value ?? []).toString();
  expect(first).toMatch(/^1 {2}\d\d:\d\d:\d\d\n$/);
  await reader?.cancel();
});
