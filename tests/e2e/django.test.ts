/**
 * A Django project with its admin, on SQLite, served by the built command line: what a person does there
 * with a browser, by `fetch` with a cookie jar; then curl as a second client. With `--validate`,
 * and as deployed, where FileResponse reaches the gateway's own `wsgi.file_wrapper`.
 */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CookieJar } from '../support/cookie-jar.js';
import { fixtureApps } from '../support/paths.js';
import { run } from '../support/process.js';
import { makeTempDir, removeTempDir } from '../support/temp-dir.js';
import { isMissing, testPython } from '../support/test-env.js';
import { startXgi, type XgiServer } from '../support/xgi.js';

const PROJECT = path.join(fixtureApps, 'django_project');
const ADMIN = { username: 'ada', password: 'analytical engine' };

const VARIANTS = [
  { name: 'validated, two workers', flags: ['-w', '2', '--validate'] },
  {
    name: 'as deployed, with threads',
    flags: ['-w', '1', '--threads', '4'],
  },
];

/** The token that a page's form carries. */
function csrfToken(page: string): string {
  const token = /name="csrfmiddlewaretoken" value="(\w+)"/.exec(page)?.[1];
  if (token === undefined) throw new Error(`no CSRF token in: ${page.slice(0, 500)}`);
  return token;
}

describe.skipIf(isMissing('Django')).each(VARIANTS)('Django: $name', ({ flags }) => {
  let directory: string;
  let server: XgiServer;
  const browser = new CookieJar();
  const content = randomBytes(200_000);

  beforeAll(async () => {
    directory = makeTempDir();
    const env = {
      TEST_DIR: directory,
      PYTHONDONTWRITEBYTECODE: '1',
    };
    const prepare = ['manage.py', 'prepare', ADMIN.username, ADMIN.password];
    const prepared = await run(testPython(), prepare, { cwd: PROJECT, env });
    expect(prepared).toMatchObject({ code: 0, stderr: '' });
    const args = ['wsgi', 'project.wsgi:application', '--chdir', PROJECT, '--python', testPython(), ...flags];
    server = await startXgi(args, { env });
  });

  afterAll(async () => {
    await server?.stop();
    removeTempDir(directory);
  });

  /** Opens a page with a form, and submits it as a browser would. */
  async function submit(
    page: string,
    fields: Record<string, string>,
    file?: { name: string; bytes: Buffer },
  ) {
    const opened = await browser.fetch(server.url(page));
    const form = new FormData();
    form.set('csrfmiddlewaretoken', csrfToken(await opened.text()));
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    if (file) form.set('upload', new Blob([file.bytes]), file.name);
    const headers = { origin: server.origin, referer: opened.url };
    return browser.fetch(opened.url, { method: 'POST', body: form, headers });
  }

  test('shows a page from the database', async () => {
    const response = await fetch(server.url('/'));
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('No documents');
  });

  describe('admin', () => {
    test('sends a visitor to the log-in form', async () => {
      const response = await new CookieJar().fetch(server.url('/admin/'));
      expect(response.url).toBe(server.url('/admin/login/?next=/admin/'));
      expect(await response.text()).toContain('name="password"');
    });

    test('refuses a form without its token, with a foreign one, and from a foreign origin', async () => {
      const post = async (jar: CookieJar, token: string, headers = {}): Promise<number> => {
        const body = new URLSearchParams({ ...ADMIN, csrfmiddlewaretoken: token });
        return (await jar.fetch(server.url('/admin/login/'), { method: 'POST', body, headers })).status;
      };
      expect(await post(new CookieJar(), '')).toBe(403);
      const jar = new CookieJar();
      const token = csrfToken(await (await jar.fetch(server.url('/admin/login/'))).text());
      expect(await post(new CookieJar(), token)).toBe(403);
      expect(await post(jar, 'x'.repeat(token.length))).toBe(403);
      expect(jar.get('sessionid')).toBeUndefined();
    });

    test('refuses a wrong password', async () => {
      const response = await submit('/admin/login/?next=/admin/', { ...ADMIN, password: 'wrong' });
      expect(response.status).toBe(200);
      expect(await response.text()).toContain('Please enter the correct username and password');
      expect(browser.get('sessionid')).toBeUndefined();
    });

    test('logs in through the form', async () => {
      const response = await submit('/admin/login/?next=/admin/', ADMIN);
      expect(response.url).toBe(server.url('/admin/'));
      expect(await response.text()).toContain('Site administration');
      expect(browser.describe('sessionid')).toMatchObject({ path: '/', httpOnly: true });
    });

    test('adds an object with an uploaded file', async () => {
      const file = { name: 'größe.bin', bytes: content };
      const response = await submit('/admin/documents/document/add/', { title: 'Ada’s notes' }, file);
      expect(response.url).toBe(server.url('/admin/documents/document/'));
      const page = await response.text();
      expect(page).toContain('was added successfully');
      expect(page).toContain('Ada’s notes');
      const stored = readdirSync(path.join(directory, 'media/documents'));
      expect(stored).toHaveLength(1);
      expect(readFileSync(path.join(directory, 'media/documents', stored[0] ?? '')).equals(content)).toBe(
        true,
      );
    });

    test('says what is wrong with an incomplete form', async () => {
      const response = await submit('/admin/documents/document/add/', { title: '' });
      expect(response.status).toBe(200);
      expect(await response.text()).toContain('This field is required.');
    });

    test('uploads what Django itself keeps in a temporary file', async () => {
      const file = { name: 'large.bin', bytes: randomBytes(5_000_000) };
      const response = await submit('/admin/documents/document/add/', { title: 'Large' }, file);
      expect(response.url).toBe(server.url('/admin/documents/document/'));
      const stored = path.join(directory, 'media/documents/large.bin');
      expect(readFileSync(stored).equals(file.bytes)).toBe(true);
    });

    test('changes and deletes objects', async () => {
      const changed = await submit('/admin/documents/document/2/change/', { title: 'Renamed' });
      expect(await changed.text()).toContain('was changed successfully');
      const deleted = await submit('/admin/documents/document/2/delete/', { post: 'yes' });
      const list = await deleted.text();
      expect(list).toContain('was deleted successfully');
      const home = await (await fetch(server.url('/'))).text();
      expect(home).toContain('Ada’s notes');
      expect(home).not.toContain('Renamed');
    });
  });

  test('sends the uploaded file back', async () => {
    const response = await fetch(server.url('/documents/1/'));
    expect(response.status).toBe(200);
    expect(response.headers.get('content-length')).toBe('200000');
    expect(response.headers.get('content-disposition')).toMatch(/^attachment; filename\*=utf-8''gr%C3%B6/i);
    expect(Buffer.from(await response.arrayBuffer()).equals(content)).toBe(true);
  });

  test('streams an export', async () => {
    const response = await fetch(server.url('/export.csv'));
    expect(response.headers.get('content-type')).toBe('text/csv');
    expect(await response.text()).toBe('1,Ada’s notes\r\n');
  });

  test("shows the project's own error pages", async () => {
    const missing = await fetch(server.url('/no/such/page/'));
    expect(missing.status).toBe(404);
    const page = await missing.text();
    expect(page).toContain('<title>Custom 404</title>');
    expect(page).toContain('/no/such/page/');
    expect((await fetch(server.url('/documents/99/'))).status).toBe(404);

    const broken = await fetch(server.url('/boom/'));
    expect(broken.status).toBe(500);
    expect(await broken.text()).toContain('<title>Custom 500</title>');
    await server.waitForOutput(/RuntimeError: boom: raised on purpose/);
  });

  test('redirects to the path with its slash', async () => {
    const response = await fetch(server.url('/boom'), { redirect: 'manual' });
    expect(response.status).toBe(301);
    expect(response.headers.get('location')).toBe('/boom/');
    await response.text();
  });

  test('serves requests of several people at the same time', async () => {
    const pages = ['/', '/admin/', '/export.csv', '/documents/1/', '/admin/documents/document/'];
    const statuses = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const response = await browser.fetch(server.url(pages[index % pages.length] ?? '/'));
        await response.arrayBuffer();
        return response.status;
      }),
    );
    expect(statuses).toEqual(Array.from({ length: 20 }, () => 200));
  });

  describe.skipIf(isMissing('curl'))('curl', () => {
    test('logs in and uploads with its own cookie engine', async () => {
      const cookies = path.join(directory, 'cookies.txt');
      const file = path.join(directory, 'by-curl.txt');
      writeFileSync(file, 'sent by curl');
      const curl = async (...args: string[]): Promise<string> => {
        const answer = await run('curl', ['-sS', '-L', '-c', cookies, '-b', cookies, ...args]);
        expect(answer).toMatchObject({ code: 0, stderr: '' });
        return answer.stdout;
      };
      const login = csrfToken(await curl(server.url('/admin/login/')));
      const fields = Object.entries({ ...ADMIN, csrfmiddlewaretoken: login, next: '/admin/' });
      const form = fields.flatMap(([name, value]) => ['--data-urlencode', `${name}=${value}`]);
      expect(await curl(...form, server.url('/admin/login/'))).toContain('Site administration');

      const add = server.url('/admin/documents/document/add/');
      const token = csrfToken(await curl(add));
      const upload = ['-F', `csrfmiddlewaretoken=${token}`, '-F', 'title=By curl', '-F', `upload=@${file}`];
      expect(await curl(...upload, add)).toContain('was added successfully');
      expect(readFileSync(path.join(directory, 'media/documents/by-curl.txt'), 'utf8')).toBe('sent by curl');
    });

    test('asks for the head of a page and of a file', async () => {
      for (const [page, length] of [
        ['/documents/1/', '200000'],
        ['/admin/login/', '\\d+'],
      ] as const) {
        const answer = await run('curl', ['-sS', '-I', '--max-time', '10', server.url(page)]);
        expect(answer).toMatchObject({ code: 0, stderr: '' });
        expect(answer.stdout).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
        expect(answer.stdout).toMatch(new RegExp(`\\r\\ncontent-length: ${length}\\r\\n`, 'i'));
      }
    });

    test('is refused under a host name that is not allowed', async () => {
      const answer = await run('curl', [
        '-sS',
        '-i',
        '-H',
        'Host: attacker.example',
        server.url('/admin/login/'),
      ]);
      expect(answer.stdout).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
      await server.waitForOutput(/Invalid HTTP_HOST header/);
    });
  });

  test('logs out', async () => {
    const body = new URLSearchParams({ csrfmiddlewaretoken: browser.get('csrftoken') ?? '' });
    const response = await browser.fetch(server.url('/admin/logout/'), { method: 'POST', body });
    expect(response.status).toBe(200);
    expect((await browser.fetch(server.url('/admin/'))).url).toContain('/admin/login/');
  });

  test('stops on SIGTERM, and the validator has reported nothing', async () => {
    expect(await server.stop()).toEqual({ code: 0, signal: null });
    expect(server.output).not.toMatch(/XGI_WSGI_VALIDATE|AssertionError|Exception ignored/);
  });
});
