/** Debian's Chromium, headless, by playwright-core; and pages that remember all that went wrong on them. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { repository } from './paths.js';

/** Kept after the tests, to be looked at. */
export const screenshots: string = path.join(repository, '.test-env/screenshots');

/** The caller closes it. @param flags of Chromium */
export async function launchBrowser(...flags: readonly string[]): Promise<Browser> {
  return await chromium.launch({ executablePath: '/usr/bin/chromium', args: [...flags] });
}

/** A page in a context of its own: without cookies and cache of others. The caller closes it, or its browser. */
export class WatchedPage {
  readonly page: Page;
  /** Requests that failed, answers of 400 and above, errors and warnings of the console, errors that no script has caught. */
  readonly problems: string[] = [];
  /** URLs of what was loaded. */
  readonly loaded: string[] = [];

  static async open(browser: Browser, options: BrowserContextOptions = {}): Promise<WatchedPage> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    context.setDefaultTimeout(15_000);
    return new WatchedPage(await context.newPage());
  }

  constructor(page: Page) {
    this.page = page;
    page.on('requestfailed', (request) => {
      const why = request.failure()?.errorText;
      // A stream of events has no end, but that its page is left.
      if (request.resourceType() === 'eventsource' && why === 'net::ERR_ABORTED') return;
      this.problems.push(`${request.url()} failed: ${why}`);
    });
    page.on('response', (response) => {
      this.loaded.push(response.url());
      if (response.status() >= 400) this.problems.push(`${response.url()}: ${response.status()}`);
    });
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type()))
        this.problems.push(`console ${message.type()}: ${message.text()}`);
    });
    page.on('pageerror', (error) => this.problems.push(`uncaught: ${error.message}`));
  }

  /** The paths of what can be seen and followed in the main part. */
  async links(): Promise<string[]> {
    return await this.page.evaluate<string[]>(
      "[...document.querySelectorAll('main a')].filter((a) => a.checkVisibility()).map(({ pathname }) => pathname)",
    );
  }

  /** The style sheets that the page names, each with the number of its rules. */
  async styleSheets(): Promise<[url: string, rules: number][]> {
    return await this.page.evaluate<[string, number][]>(
      '[...document.styleSheets].filter(({ href }) => href).map(({ href, cssRules }) => [href, cssRules.length])',
    );
  }

  /** The value that counts in the end, of the first element that the selector finds. */
  async styleOf(selector: string, property: string): Promise<string> {
    return await this.page.evaluate<string>(
      `getComputedStyle(document.querySelector(${JSON.stringify(selector)})).getPropertyValue(${JSON.stringify(property)})`,
    );
  }

  /** By how many pixels the page is wider than the window. */
  async overflow(): Promise<number> {
    return await this.page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
  }

  /** `h2`, `http/1.1`: how the page and each thing on it came. */
  async protocols(): Promise<string[]> {
    return await this.page.evaluate<string[]>(
      "['navigation', 'resource'].flatMap((type) => performance.getEntriesByType(type)).map((entry) => entry.nextHopProtocol)",
    );
  }

  /** All of the page, as a PNG. */
  async screenshot(name: string): Promise<void> {
    mkdirSync(screenshots, { recursive: true });
    await this.page.screenshot({ path: path.join(screenshots, `${name}.png`), fullPage: true });
  }
}
