import { existsSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

/** Where Debian and others put it; `CHROMIUM` names another place. */
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const { CHROMIUM, CI } = process.env;

const executablePath = CHROMIUM ?? PLACES.find(existsSync);

/** Whether tests in a browser run: where there is one, and where CI demands it, so that they fail if there is none. */
export const inBrowser = executablePath !== undefined || CI === 'true' ? describe : describe.skip;

if (executablePath === undefined)
  process.stderr.write('chromium is not installed: the console is not tested here (CI demands it)\n');

export async function launchChromium(): Promise<Browser> {
  if (executablePath === undefined)
    throw new Error(`There is no Chromium: not at ${PLACES.join(', ')}, and CHROMIUM is not set.`);
  // Without the sandbox, which a container seldom allows: the browser only ever sees our own page.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

/** A page, and everything that its browser has found wrong with it. */
export class WatchedPage {
  /** Errors and warnings of the browser's console, exceptions, violations of the Content-Security-Policy. */
  readonly complaints: string[] = [];

  private constructor(readonly page: Page) {}

  static async open(browser: Browser, options: BrowserContextOptions): Promise<WatchedPage> {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    const watched = new WatchedPage(page);
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) watched.complaints.push(message.text());
    });
    page.on('pageerror', (error) => {
      watched.complaints.push(error.message);
    });
    await page.addInitScript(`
      document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
        console.error('refused by ' + violatedDirective + ': ' + blockedURI);
      });
    `);
    return watched;
  }

  /** Text of an element, as it is read. */
  async textOf(selector: string): Promise<string> {
    return (await this.page.locator(selector).first().innerText()).replaceAll(/\s+/g, ' ').trim();
  }

  /** Name of what has the focus: its label, else its text. */
  async focused(): Promise<string> {
    const name = await this.page.evaluate<string>(`
      document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent
    `);
    return name.replaceAll(/\s+/g, ' ').trim();
  }

  async press(...keys: string[]): Promise<void> {
    for (const key of keys) await this.page.keyboard.press(key);
  }
}
