/** `--dev`: what went wrong inside is told to the client; without it, only the log knows. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Project } from '../support/cli-project.js';
import { startXgi, type XgiServer } from '../support/xgi.js';

const SECRET = '<script>secret</script>';

const project = new Project();
project.write(
  'broken.py',
  `
def app(environ, start_response):
    raise ValueError(${JSON.stringify(SECRET)})
`,
);

function get(server: XgiServer, accept: string): Promise<Response> {
  return fetch(server.url('/x'), { headers: { Accept: accept } });
}

describe('with --dev', () => {
  let server: XgiServer;

  beforeAll(async () => {
    server = await startXgi(['broken:app', '-w', '1', '--dev'], { cwd: project.directory });
  });
  afterAll(() => server.stop());

  test('a browser is shown a page with the traceback, in which nothing is markup', async () => {
    const response = await get(server, 'text/html,application/xhtml+xml');
    const page = await response.text();
    expect(response.status).toBe(500);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(page).toContain('<h2>XGI_APP_RAISED</h2>');
    expect(page).toContain('&lt;script&gt;secret&lt;/script&gt;');
    expect(page).not.toContain(SECRET);
    expect(page).toContain('broken.py&quot;, line 3, in app');
  });

  test('others are told in plain text, which no browser takes for anything else', async () => {
    const response = await get(server, '*/*');
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(await response.text()).toContain(SECRET);
  });
});

test('without it, neither is told more than the code and where to look', async () => {
  const server = await startXgi(['broken:app', '-w', '1'], { cwd: project.directory });
  try {
    for (const accept of ['text/html', '*/*']) {
      const response = await get(server, accept);
      expect(await response.text()).toMatch(/^500 Internal Server Error\n\nXGI_APP_RAISED\nrequest \S+\n$/);
    }
    await server.waitForOutput(/ValueError: <script>secret/);
  } finally {
    await server.stop();
  }
});
