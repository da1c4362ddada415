/**
 * examples/site in headless Chromium, as a person sees it: every page with all that belongs to it, its forms, the admin of Django; over
 * HTTP/1.1, and over TLS and HTTP/2. Screenshots of it are kept in .test-env/screenshots.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Browser, Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { launchBrowser, WatchedPage } from '../support/browser.js';
import { Authority, flagsOf } from '../support/certificates.js';
import { startExampleSite } from '../support/example-site.js';
import { pollUntil } from '../support/poll.js';
import type { Program } from '../support/process.js';
import { makeTempDir, removeTempDir } from '../support/temp-dir.js';
import { isMissing } from '../support/test-env.js';

const cannotRun = ['Chromium', 'Django', 'Perl'].some(isMissing);
const data = makeTempDir();

const GROUND = { light: 'rgb(246, 247, 251)', dark: 'rgb(15, 19, 28)' };
const PHONE = { viewport: { width: 390, height: 844 } };

afterAll(() => removeTempDir(data));

describe.skipIf(cannotRun)('the example site', () => {
  let program: Program;
  let origin: string;
  let browser: Browser;

  beforeAll(async () => {
    ({ program, origin } = await startExampleSite({ data }));
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    await program?.stop();
  });

  async function open(path: string, options?: Parameters<typeof WatchedPage.open>[1]): Promise<WatchedPage> {
    const watched = await WatchedPage.open(browser, options);
    onTestFinished(() => watched.page.context().close());
    await watched.page.goto(origin + path);
    return watched;
  }

  test('has a front page that shows each part, the demo user, and how it came', async () => {
    const watched = await open('/');
    const { page } = watched;
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toMatch(/^One server/);
    expect(await page.locator('.card .badge:not(.plain)').allInnerTexts()).toEqual([
      'Static files',
      'WSGI',
      'CGI',
      'fetch(request)',
    ]);
    expect(await textOf(page.locator('#protocol'))).toBe('HTTP/1.1');
    expect(await textOf(page.locator('#user'))).toBe('demo');
    expect(await textOf(page.locator('#password'))).toMatch(/^[0-9a-f]{12}$/);
    expect(await page.locator('#no-django').isVisible()).toBe(false);
    expect(watched.loaded).toEqual(
      expect.arrayContaining(['/', '/style.css', '/site.js', '/site.json'].map((path) => origin + path)),
    );
    await expectStyled(watched);
    await watched.screenshot('front');
  });

  test('fits a phone, and is dark for who likes that', async () => {
    const phone = await open('/', PHONE);
    await textOf(phone.page.locator('#user'));
    expect(await phone.overflow()).toBe(0);
    const [first, second] = await Promise.all([
      phone.page.locator('.card').nth(0).boundingBox(),
      phone.page.locator('.card').nth(1).boundingBox(),
    ]);
    expect(second?.x).toBe(first?.x);
    await phone.screenshot('front-phone');

    const dark = await open('/', { colorScheme: 'dark' });
    await textOf(dark.page.locator('#user'));
    expect(await dark.styleOf('body', 'background-color')).toBe(GROUND.dark);
    await dark.screenshot('front-dark');
  });

  test('leads to pages that load whole, with their style', async () => {
    const front = await open('/');
    await textOf(front.page.locator('#user'));
    const paths = await front.links();
    expect(paths).toEqual(
      expect.arrayContaining(['/about.html', '/django/', '/django/admin/', '/cgi-bin/', '/cgi-bin/form.py']),
    );
    for (const path of paths.filter(
      (one) => !['/no-such-page', '/api/notes', '/django/admin/'].includes(one),
    )) {
      const linked = await open(path, PHONE);
      expect(await linked.page.locator('h1').isVisible(), path).toBe(true);
      expect([path, await linked.overflow()]).toEqual([path, 0]);
      await expectStyled(linked);
      await linked.screenshot(`page${path.replaceAll('/', '-').replace(/-$/, '')}`);
    }
  }, 60_000);

  test('shows a page of its own where there is none', async () => {
    const watched = await open('/no-such-page/below?query');
    expect(await textOf(watched.page.locator('h1'))).toBe('There is nothing here');
    expect(await watched.styleOf('body', 'background-color')).toBe(GROUND.light);
    expect(watched.problems).toEqual([
      `${origin}/no-such-page/below?query: 404`,
      expect.stringContaining('status of 404'),
    ]);
    await watched.screenshot('404');
    await watched.page.getByRole('link', { name: 'Back to the start' }).click();
    await watched.page.waitForURL(`${origin}/`);
  });

  test('lets the demo user log in to the admin, and shows the book that is added there', async () => {
    const watched = await open('/');
    const { page } = watched;
    const [user, password] = [await textOf(page.locator('#user')), await textOf(page.locator('#password'))];
    await page.getByRole('link', { name: 'its admin' }).click();
    await page.waitForURL(`${origin}/django/admin/login/?next=/django/admin/`);
    await watched.screenshot('admin-login');
    await page.getByLabel('Username').fill(user);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.waitForURL(`${origin}/django/admin/`);
    expect(await textOf(page.locator('#user-tools'))).toMatch(/Welcome,\s+demo/i);
    // Django's own style sheets, served beside it.
    expect(watched.loaded).toContain(`${origin}/django/static/admin/css/base.css`);
    expect(await watched.styleOf('#header', 'background-color')).not.toBe('rgba(0, 0, 0, 0)');
    await watched.screenshot('admin');

    await page.goto(`${origin}/django/admin/library/book/add/`);
    await page.getByLabel('Title').fill('A Book <of> Bytes');
    await page.getByLabel('Author').fill('Zoë');
    await page.getByLabel('Year').fill('2026');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    expect(await textOf(page.locator('.messagelist'))).toContain('was added successfully');
    await watched.screenshot('admin-books');
    await page.goto(`${origin}/django/`);
    expect(await textOf(page.locator('tbody tr').last())).toBe('A Book <of> Bytes\tZoë\t2026');
    expect((await watched.styleSheets()).every(([, rules]) => rules > 0)).toBe(true);
    expect(watched.problems).toEqual([]);
  });

  test('refuses a wrong password, and says so', async () => {
    const watched = await open('/django/admin/');
    await watched.page.getByLabel('Username').fill('demo');
    await watched.page.getByLabel('Password').fill('wrong');
    await watched.page.getByRole('button', { name: 'Log in' }).click();
    expect(await textOf(watched.page.locator('.errornote'))).toContain('correct username and password');
  });

  test('answers the form of a CGI program with what was sent, as text', async () => {
    const watched = await open('/cgi-bin/form.py');
    await sendForm(watched);
    await expectStyled(watched);
    await watched.screenshot('form-answer');
  });

  test('turns the pages of a calendar in Perl', async () => {
    const watched = await open('/cgi-bin/calendar.pl?2028-02');
    const { page } = watched;
    expect(await textOf(page.locator('h1'))).toBe('February 2028');
    expect(await textOf(page.locator('tbody tr').first())).toBe('\t1\t2\t3\t4\t5\t6');
    expect(await textOf(page.locator('tbody tr').last())).toBe('28\t29\t\t\t\t\t');
    await page.getByRole('link', { name: '2028-01' }).click();
    await page.getByRole('heading', { name: 'January 2028' }).waitFor();
    await expectStyled(watched);
  });

  test('shows the clock of the server going, and what is written into the guestbook', async () => {
    const watched = await open('/');
    await useApi(watched);
    await watched.screenshot('guestbook');
  });
});

describe.skipIf(cannotRun)('the example site over TLS', () => {
  let program: Program;
  let origin: string;
  const pair = new Authority().issue('server');

  beforeAll(async () => {
    ({ program, origin } = await startExampleSite({ data, args: flagsOf(pair) }));
  });

  afterAll(async () => {
    await program?.stop();
  });

  test('is not shown to a browser that does not trust the certificate', async () => {
    const browser = await launchBrowser();
    onTestFinished(() => browser.close());
    const { page } = await WatchedPage.open(browser);
    await expect(page.goto(origin)).rejects.toThrow('ERR_CERT_AUTHORITY_INVALID');
  });

  test('comes by HTTP/2, with all that belongs to it, and works the same', async () => {
    const key = new X509Certificate(readFileSync(pair.cert)).publicKey.export({
      type: 'spki',
      format: 'der',
    });
    const trusted = createHash('sha256').update(key).digest('base64');
    const browser = await launchBrowser(`--ignore-certificate-errors-spki-list=${trusted}`);
    onTestFinished(() => browser.close());
    const watched = await WatchedPage.open(browser);
    await watched.page.goto(origin);
    expect(await textOf(watched.page.locator('#user'))).toBe('demo');
    expect(await textOf(watched.page.locator('#protocol'))).toBe('HTTP/2');
    await useApi(watched);
    expect(new Set(await watched.protocols())).toEqual(new Set(['h2']));
    await watched.screenshot('front-h2');

    await watched.page.goto(`${origin}/cgi-bin/form.py`);
    await sendForm(watched);
    await watched.page.goto(`${origin}/django/`);
    expect(await textOf(watched.page.locator('tbody'))).toContain('Ada Lovelace');
    expect(new Set(await watched.protocols())).toEqual(new Set(['h2']));
    await expectStyled(watched);
  });
});

async function sendForm({ page }: WatchedPage): Promise<void> {
  await page.getByLabel('Name').fill('<b>Zoë</b>');
  await page.getByLabel('Message').fill('1 < 2 & "two"\nlines');
  await page.getByRole('button', { name: 'Send' }).click();
  expect(await textOf(page.locator('#answer h2'))).toBe('Hello, <b>Zoë</b>!');
  expect(await textOf(page.locator('#answer p'))).toBe('1 < 2 & "two"\nlines');
  expect(await page.getByLabel('Name').inputValue()).toBe('<b>Zoë</b>');
}

async function useApi({ page }: WatchedPage): Promise<void> {
  const time = page.locator('#time');
  const first = await pollUntil(
    async () => /\d:\d\d/.test(await time.innerText()) && (await time.innerText()),
    {
      what: 'the first tick of the clock',
    },
  );
  await pollUntil(async () => (await time.innerText()) !== first, { what: 'the next tick of the clock' });

  await page.getByLabel('Name').fill('Ada');
  await page.getByLabel('Note').fill('<i>no markup</i>');
  await page.getByRole('button', { name: 'Sign' }).click();
  await page.getByText('<i>no markup</i>').waitFor();
  expect(await textOf(page.locator('#notes li').first())).toMatch(/^Ada <i>no markup<\/i> /);
}

/** Waits until it is seen. */
async function textOf(locator: Locator): Promise<string> {
  await locator.waitFor();
  return await locator.innerText();
}

/** Everything of the page has come, and its style is applied. */
async function expectStyled(watched: WatchedPage): Promise<void> {
  await watched.page.waitForLoadState();
  expect(watched.problems).toEqual([]);
  const sheets = await watched.styleSheets();
  expect(sheets).toEqual([[expect.stringMatching(/\/style\.css$/), expect.any(Number)]]);
  expect(sheets[0]?.[1]).toBeGreaterThan(50);
  expect(await watched.styleOf('body', 'background-color')).toBe(GROUND.light);
  expect(await watched.styleOf('body', 'font-family')).toBe('system-ui, sans-serif');
}
