/**
 * docs/guide/cookbook: each page is followed to the letter, with the files and the commands that it shows; then what it promises in its words is
 * put to the test.
 */
import { createHmac } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { hash } from 'bcryptjs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Authority } from '../support/certificates.js';
import { CookieJar } from '../support/cookie-jar.js';
import { curl } from '../support/curl.js';
import { makeKey, makeToken } from '../support/issuer.js';
import { repository } from '../support/paths.js';
import { pollUntil } from '../support/poll.js';
import { run } from '../support/process.js';
import { COOKBOOK, Recipe, type RecipeOptions } from '../support/recipe.js';
import { makeTempDir } from '../support/temp-dir.js';
import { isMissing, testPython } from '../support/test-env.js';
import { untilNothingIsLeft } from '../support/xgi.js';

const cannotRun = ['curl', 'php-cgi', 'Perl', 'Django', 'Flask'].some(isMissing);
const tested = new Set<string>();

interface RecipeTest {
  readonly options?: () => RecipeOptions | Promise<RecipeOptions>;
  /** What the page has its reader do before: passwords, a project. */
  readonly prepare?: (page: Recipe) => void | Promise<void>;
}

/** The page is followed; `more` are tests of what it says in words, each with a server of its own. */
function recipe(
  name: string,
  { options = () => ({}), prepare }: RecipeTest,
  more: (at: () => Recipe) => void,
): void {
  tested.add(name);
  describe.skipIf(cannotRun)(`the recipe ${name}`, () => {
    let page: Recipe;

    beforeEach(async () => {
      page = new Recipe(name, await options());
      await prepare?.(page);
    });

    afterEach(() => page?.close());

    test('does what the page shows', async () => {
      expect(await page.check()).toEqual({ code: 0, stderr: expect.not.stringContaining('warning') });
      await page.start();
      await page.follow();
    }, 60_000);

    more(() => page);
  });
}

const PASSWORD = 'correct horse battery';
const SECRET = 'of the forge and of this server, no one else';
const CLAIMS = { iss: 'https://login.example.org/', aud: 'api', tenant: 'acme' };
const authority = new Authority();
const issuer = makeKey('one');

async function tokenOf(user: string, tenant: string): Promise<string> {
  return await makeToken(await issuer, { claims: { ...CLAIMS, sub: user, tenant } });
}

/** What the forward authentication of Authelia answers: 302 to its page, or 200 and who that is. @returns its origin */
async function startLogin(): Promise<string> {
  const sessions: Readonly<Record<string, readonly string[]>> = {
    'of-ada': ['ada', 'staff,admins'],
    'of-ada-without-groups': ['ada', ''],
    'of-bob': ['bob', 'staff'],
  };
  const server = createServer(({ headers, url }, response) => {
    const of = (name: string): string => String(headers[`x-forwarded-${name}`]);
    const session = /(?:^|; )authelia_session=([\w-]+)/.exec(headers.cookie ?? '')?.[1] ?? '';
    const [user, groups] = sessions[session] ?? [];
    if (url !== '/api/authz/forward-auth') response.writeHead(404);
    else if (user !== undefined) response.writeHead(200, { 'Remote-User': user, 'Remote-Groups': groups });
    else {
      const back = encodeURIComponent(`${of('proto')}://${of('host')}${of('uri')}`);
      response.writeHead(302, { Location: `https://login.example.org/?rd=${back}` });
    }
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const PAGE = { Accept: 'text/html' };

async function hear(response: Response | Promise<Response>): Promise<string> {
  const { status } = await response;
  return `${status} ${await (await response).text()}`.trim();
}

recipe('php-and-python', {}, (at) => {
  test('shows no source, and runs nothing in the folder of files', async () => {
    const page = at();
    page.write('php/index.php.bak', '<?php $password = "secret";');
    page.write('public/run.php', '<?php echo "run";');
    const server = await page.start();
    const backup = await fetch(server.url('/index.php.bak'));
    expect([backup.status, (await backup.text()).includes('secret')]).toEqual([500, false]);
    expect(await (await fetch(server.url('/run.php'))).text()).toContain('<?php');
    expect((await fetch(server.url('/shop/cart'))).headers.get('x-content-type-options')).toBe('nosniff');
  });
});

/** The program notes that it has begun, and goes on when there is no file `held`. */
const HELD = 'echo >> ../begun\nsleep 1\nwhile test -e ../held; do sleep 0.01; done';
const SLOW_CGI = { 'defaultTtl: 1m': 'defaultTtl: 2s', 'sleep 1': HELD };

recipe('cache-slow-cgi', { options: () => ({ instead: SLOW_CGI }) }, (at) => {
  const ask = async (): Promise<string> => await hear(fetch(at().server.url('/report')));

  test('many that ask at once get one report', async () => {
    await at().start();
    const answers = await Promise.all(Array.from({ length: 20 }, ask));
    expect(new Set(answers)).toEqual(new Set(['200 Report 1 of all']));
    expect(at().read('runs')).toBe('run\n');
  });

  test('nobody waits for a new one, and a failure shows the last good one', async () => {
    const page = at();
    await page.start();
    await ask();
    page.write('held', '');
    await pollUntil(async () => {
      expect(await ask()).toBe('200 Report 1 of all');
      return page.read('begun') === '\n\n';
    });
    // The second one does not end: whoever waited for it would have no answer.
    expect(await ask()).toBe('200 Report 1 of all');
    rmSync(page.file('held'));
    await pollUntil(async () => (await ask()) === '200 Report 2 of all');

    page.write('broken', '');
    const answers = new Set<string>();
    await pollUntil(async () => {
      answers.add(await ask());
      return page.server.output.includes('a stale answer is given, because the application has failed');
    });
    expect(answers).toContain('200 Report 2 of all');
    // What was made before the program broke may have been the third.
    expect([...answers].filter((answer) => !/^200 Report [123] of all$/.test(answer))).toEqual([]);
    expect(await ask()).toMatch(/^200 Report /);
  });
});

recipe('old-html', {}, (at) => {
  test('bytes of another charset, and addresses across chunks, whole and in parts', async () => {
    const page = at();
    const old = 'http://intranet.example.org:8080/';
    page.write(
      'cgi-bin/split.cgi',
      `#!/usr/bin/perl
$| = 1;
print "Content-Type: text/html; charset=iso-8859-1\n\n";
for my $piece (split //, "\\xe4${old}a http://intranet.example.org:80 ${old}${old}http://intra") { print $piece; select undef, undef, undef, 0.002 }
`,
    );
    await page.start();
    const body = Buffer.from(await (await fetch(page.server.url('/split.cgi'))).arrayBuffer());
    expect(body.toString('latin1')).toContain('\xe4/a http://intranet.example.org:80 //http://intra');
    const text = await fetch(page.server.url('/new/phone.css'));
    expect(await text.text()).not.toContain('notice');
  });
});

recipe(
  'django-behind-a-login',
  {
    options: async () => ({
      instead: { 'http://127.0.0.1:9091': await startLogin() },
      env: { SESSION_OF_ADA: 'of-ada' },
    }),
    async prepare(page) {
      // In a folder of its own, as it would stop at the files that are there.
      const project = makeTempDir();
      const django = async (...words: string[]): Promise<void> => {
        const { code, stderr } = await run(testPython(), words, { cwd: project, env: page.env });
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      };
      await django('-m', 'django', 'startproject', 'shop', '.');
      cpSync(project, page.directory, { recursive: true });
      const settings = ['--settings', 'shop.behind_login'];
      for (const words of [['migrate'], ['collectstatic', '--no-input']]) {
        const manage = [page.file('manage.py'), ...words, ...settings];
        const { code, stderr } = await run(testPython(), manage, { cwd: page.directory, env: page.env });
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      }
    },
  },
  (at) => {
    const visit = async (session: string, more: readonly string[] = []): Promise<string> => {
      const url = at().server.url('/admin/');
      const args = ['-H', 'Host: shop.example.org', '-b', `authelia_session=${session}`, ...more, url];
      const { status, head } = await curl(...args);
      return `${status} ${/^Location: (.*)\r$/im.exec(head)?.[1] ?? ''}`.trim();
    };

    test('who leaves the admins is none any more, also with the session that was begun before', async () => {
      await at().start();
      const jar = ['-c', at().file('cookies'), '-b', at().file('cookies')];
      // One session of Django's, with other groups each time.
      expect(await visit('of-ada', jar)).toBe('200');
      expect(await visit('of-ada-without-groups', jar)).toBe('302 /admin/login/?next=/admin/');
      expect(await visit('of-bob')).toBe('302 /admin/login/?next=/admin/');
      expect(await visit('of-bob', ['-H', 'Remote-Groups: admins'])).toBe('302 /admin/login/?next=/admin/');
      expect(await visit('of-nobody')).toContain('302 https://login.example.org/');
      // Nor does Django's own session do without the login's.
      const without = await curl(...jar, '-H', 'Host: shop.example.org', at().server.url('/admin/'));
      expect(without.head).toContain('https://login.example.org/');
    });

    test('nobody comes in while the login is away', async () => {
      at().write(
        'xgi.config.yaml',
        at()
          .read('xgi.config.yaml')
          .replace(/url: .*/, 'url: http://127.0.0.1:9/'),
      );
      await at().start();
      expect(await visit('of-ada')).toBe('503');
    });
  },
);

recipe(
  'tenants',
  {
    options: async () => ({ env: { TOKEN_OF_ADA: await tokenOf('ada', 'acme') } }),
    prepare: async (page) => page.write('issuer.pem', (await issuer).pem),
  },
  (at) => {
    test('a tenant that asks too much, and the others', async () => {
      await at().start();
      const ask = async (token: string, fields: Record<string, string> = {}): Promise<number> => {
        const headers = { ...fields, Authorization: `Bearer ${token}` };
        const response = await fetch(at().server.url('/v1/'), { headers });
        await response.text();
        return response.status;
      };
      const [ada, bob, eve] = [
        await tokenOf('ada', 'acme'),
        await tokenOf('bob', 'acme'),
        await tokenOf('eve', 'other'),
      ];
      const stranger = await makeToken(await makeKey('other'), { claims: CLAIMS });
      // They use nothing up.
      for (let i = 0; i < 5; i++) expect(await ask(stranger)).toBe(401);
      expect(await ask(await makeToken(await issuer, { claims: { ...CLAIMS, aud: 'mail' } }))).toBe(401);
      let granted = 0;
      while (granted < 1000 && (await ask(granted % 2 === 0 ? ada : bob)) === 200) granted += 1;
      // One more is granted each 0.6 s, which a busy machine may take for a few.
      expect(granted).toBeGreaterThanOrEqual(100);
      expect(granted).toBeLessThan(1000);
      const atOnce = async (token: string, fields?: Record<string, string>): Promise<number[]> =>
        await Promise.all(Array.from({ length: 5 }, () => ask(token, fields)));
      expect(await atOnce(ada, { 'X-Tenant': 'other' })).toContain(429);
      expect(await atOnce(bob)).toContain(429);
      expect(await ask(eve)).toBe(200);
    });
  },
);

recipe('one-site', {}, (at) => {
  test('policies in front of all parts; the office for the office only', async () => {
    const server = await at().start();
    for (const path of ['/', '/api/health', '/office/', '/assets/index-3fa9c1.js']) {
      const { headers } = await fetch(server.url(path));
      expect([path, headers.get('content-security-policy'), headers.get('x-content-type-options')]).toEqual([
        path,
        "default-src 'self'; frame-ancestors 'self'",
        'nosniff',
      ]);
      expect(headers.get('x-request-id')).toMatch(/^[\w-]+$/);
    }
    expect((await fetch(server.url('/api/none'))).status).toBe(404);
    // What says it comes through a proxy on this machine.
    const elsewhere = { 'X-Forwarded-For': '198.51.100.7' };
    expect((await fetch(server.url('/office/'), { headers: elsewhere })).status).toBe(403);
    // A script that is not there is no page.
    expect((await fetch(server.url('/assets/gone.js'), { headers: PAGE })).status).toBe(404);
  });
});

recipe(
  'old-admin',
  {
    options: () => {
      const { cert, key } = authority.issue('admin.example.org');
      return {
        flags: ['--tls-redirect', '127.0.0.1:0'],
        instead: {
          '/etc/xgi/tls/admin.example.org.pem': cert,
          '/etc/xgi/tls/admin.example.org.key': key,
          'https://admin.example.org': 'http://127.0.0.1:8000',
        },
        env: { CURL_CA_BUNDLE: authority.cert, PASSWORD },
      };
    },
    prepare: async (page) => page.write('staff.htpasswd', `ada:${await hash(PASSWORD, 4)}\n`),
  },
  (at) => {
    test('the log has names; forms of other sites and addresses of others do not come in', async () => {
      const page = at();
      await page.start();
      const visit = async (path: string, ...more: string[]): Promise<number> =>
        (await curl('--cacert', authority.cert, '-u', `ada:${PASSWORD}`, ...more, page.server.url(path)))
          .status;
      expect(await visit('/admin/users')).toBe(200);
      expect(await visit('/admin/users', '-H', 'Sec-Fetch-Site: same-site')).toBe(403);
      expect(await visit('/admin/users', '-H', 'Sec-Fetch-Site: same-origin')).toBe(200);
      expect(await visit('/admin/users', '-H', 'X-Forwarded-For: 198.51.100.7')).toBe(403);
      expect(await visit('/users')).toBe(404);
      expect(await visit('/%61dmin/users', '-u', 'ada:wrong')).toBe(401);
      await pollUntil(() =>
        /^ada 127\.0\.0\.1 "GET \/admin\/users HTTP\/\S+" 200$/m.test(page.read('admin.log')),
      );
      expect(page.read('admin.log')).not.toContain('401');
      const plain = page.server.addresses.find((address) => address.startsWith('http:'))!;
      const redirect = await curl(`${plain}/admin/users`);
      expect([redirect.status, redirect.head]).toEqual([308, expect.stringMatching(/^Location: https:/im)]);
    });
  },
);

recipe(
  'downloads',
  {
    options: () => ({ env: { SECRET_KEY: 'a secret of the test', PASSWORD } }),
    prepare: (page) => page.write('private/7.pdf', '%PDF-1.7 an invoice'),
  },
  (at) => {
    test('files have no address of their own, and a link does not lead out of the folder', async () => {
      const page = at();
      symlinkSync('/etc/passwd', page.file('private/8.pdf'));
      const server = await page.start();
      const browser = new CookieJar();
      const login = { method: 'POST', body: new URLSearchParams({ password: PASSWORD }) };
      expect(await hear(browser.fetch(server.url('/login'), login))).toBe('200 Welcome');
      const file = await browser.fetch(server.url('/invoices/7'));
      expect(await file.text()).toBe('%PDF-1.7 an invoice');
      expect(file.headers.has('x-sendfile')).toBe(false);
      const etag = file.headers.get('etag')!;
      const again = await browser.fetch(server.url('/invoices/7'), { headers: { 'If-None-Match': etag } });
      expect(again.status).toBe(304);
      const outside = await browser.fetch(server.url('/invoices/8'));
      expect([outside.status, (await outside.text()).includes('root:')]).toEqual([500, false]);
      for (const path of ['/private/7.pdf', '/static/../private/7.pdf', '/static/%2e%2e/private/7.pdf'])
        expect((await curl('--path-as-is', server.url(path))).status).toBeGreaterThanOrEqual(400);
    });
  },
);

recipe('webhook', { prepare: (page) => page.write('webhook.secret', `${SECRET}\n`) }, (at) => {
  const send = async (path: string, body: string, secret = SECRET): Promise<string> => {
    const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
    const headers = { 'X-Hub-Signature-256': signature };
    return await hear(fetch(at().server.url(path), { method: 'POST', body, headers }));
  };
  const push = (after: string): string => JSON.stringify({ ref: 'refs/heads/main', after });

  test('runs what is signed, one after the other, and nothing else', async () => {
    const page = at();
    page.write(
      'deploy.sh',
      '#!/bin/sh\nmkdir running || exit 1\nsleep 0.2\nrmdir running\necho "$1" >> deployed\n',
    );
    await page.start();
    const commits = ['a', 'b', 'c'].map((letter) => letter.repeat(40));
    const answers = await Promise.all(commits.map((commit) => send('/hooks/deploy', push(commit))));
    expect(answers).toEqual(commits.map((commit) => `200 Deployed ${commit}`));
    expect(page.read('deployed').split('\n').toSorted().slice(1)).toEqual(commits);

    expect(await send('/hooks/deploy', push('a'.repeat(40)), 'x'.repeat(64))).toMatch(/^403/);
    expect(await send('/hooks/deploy', push('$(touch hacked)'))).toBe('200 Nothing to do');
    expect(await send('/hooks/deploy', 'x'.repeat(1_000_001))).toMatch(/^413/);
    expect(await send('/deploy.sh', push('a'.repeat(40)))).toMatch(/^404/);
    expect(await send('/webhook.secret', '')).toMatch(/^404/);
    expect(page.read('deployed').split('\n')).toHaveLength(4);
  });

  test('does not start with a short secret', async () => {
    at().write('webhook.secret', 'short\n');
    expect(await at().check()).toEqual({ code: 3, stderr: expect.stringContaining('32 characters or more') });
  });
});

recipe('error-pages', {}, (at) => {
  test('tells nothing of what failed but in the log; the office gets in while it is closed', async () => {
    const page = at();
    page.write('closed', '');
    const server = await page.start();
    const office = { ...PAGE, 'X-Forwarded-For': '192.0.2.7' };
    expect(await hear(fetch(server.url('/'), { headers: office }))).toBe('200 <h1>Open</h1>');
    const broken = await hear(fetch(server.url('/broken'), { headers: office }));
    expect(broken).toContain('That did not work');
    expect(broken).not.toContain('secret');
    await server.waitForOutput(/RuntimeError: a secret of the program/);
    const elsewhere = { ...PAGE, 'X-Forwarded-For': '192.0.20.7' };
    expect(await hear(fetch(server.url('/tools/broken'), { headers: elsewhere }))).toMatch(/^503 .*noon/s);
  });
});

recipe('request-ids', {}, (at) => {
  test('one id in the answer, both logs and the log of xgi', async () => {
    const page = at();
    const server = await page.start();
    const response = await fetch(server.url('/pay/5000'));
    await response.text();
    const id = response.headers.get('x-request-id')!;
    expect(response.status).toBe(500);
    await pollUntil(() => page.read('access.log').includes(`"${id}"`));
    expect(page.read('shop.log')).toContain(`ERROR ${id} Exception on /pay/5000`);
  });
});

recipe('hosts-and-betas', {}, (at) => {
  test('other names, other values and other writings of a name', async () => {
    await at().start();
    const ask = async (host: string, ...more: string[]): Promise<string> => {
      const { status, body } = await curl('-H', `Host: ${host}`, ...more, at().server.url('/'));
      return status === 200 ? body.trim() : String(status);
    };
    expect(await ask('SHOP.example.org:8000')).toMatch(/^shop for /i);
    expect(await ask('shop.example.org', '-H', 'x-beta: 1')).toBe('next for shop.example.org');
    expect(await ask('shop.example.org', '-H', 'X-Beta: 11')).toBe('shop for shop.example.org');
    expect(await ask('blog.example.org', '-H', 'X-Beta: 1')).toBe('<h1>Blog</h1>');
    for (const host of ['example.org', 'shop.example.org.evil.example', '127.0.0.1'])
      expect([host, await ask(host)]).toEqual([host, '404']);
  });
});

recipe(
  'tests-without-a-port',
  {
    // As npm install xgi leaves it.
    prepare(page) {
      mkdirSync(page.file('node_modules'));
      symlinkSync(repository, page.file('node_modules/xgi'));
    },
  },
  (at) => {
    test('a test that the site does not pass fails, and nothing is left running', async () => {
      const page = at();
      page.write('xgi.config.mjs', page.read('xgi.config.mjs').replace('10.0.0.0/8', '10.9.0.0/16'));
      const { code, stdout } = await run(process.execPath, ['--test', '--test-reporter=spec'], {
        cwd: page.directory,
        env: page.env,
      });
      expect(code).toBe(1);
      expect(stdout).toMatch(/✖ the office gets in, and nobody else/);
      expect(stdout).toContain('ℹ pass 2');
      await untilNothingIsLeft(page.directory);
    });
  },
);

test('every page of the cookbook is tested, and in its index', () => {
  const pages = readdirSync(COOKBOOK).filter((file) => file !== 'README.md');
  const index = readFileSync(join(COOKBOOK, 'README.md'), 'utf8');
  const linked = [...index.matchAll(/\]\(([\w-]+\.md)\)/g)].map((match) => match[1]);
  expect(linked.toSorted()).toEqual(pages.toSorted());
  expect(new Set(pages.map((file) => file.replace(/\.md$/, '')))).toEqual(tested);
});
