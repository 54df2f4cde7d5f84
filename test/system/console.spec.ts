import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser } from 'playwright-core';
import { inBrowser, launchChromium, WatchedPage } from './support/chromium.js';
import { DemoWorld, SERVICES, type ServiceName } from './support/demo-world.js';

const root = join(__dirname, '../..');
const TOKEN = 'an-operator-s-token';
const OVERVIEW = 'customer-overview';

/** The reference gateway, with an operator. */
function configuration(): string {
  return readFileSync(join(root, 'gateway.yaml'), 'utf8')
    .replace(/^server:$/m, `server:\n  adminToken: ${TOKEN}`)
    .replaceAll('examples/openapi/', `${join(root, 'examples/openapi')}/`);
}

/** Whether the documentation is to have new pictures: they show minutes of traffic, and wait for them. */
const forDocs = process.env['DOCS_IMAGES'] === '1';
const PICTURES = join(root, forDocs ? 'docs/images' : 'coverage/console');

/** Somebody uses the API all the time, or there would be nothing to see. */
class Visitors {
  private readonly timer: NodeJS.Timeout;
  private readonly under = new Set<Promise<unknown>>();
  private n = 0;

  constructor(world: DemoWorld) {
    this.timer = setInterval(() => {
      const id = (this.n++ % 50) + 1;
      const path = [`/customers/c-${id}/overview`, `/products/p-${id}/page`, `/orders/o-${id}/details`][
        id % 3
      ];
      const asked = world.ask(path ?? '').catch(() => undefined);
      this.under.add(asked);
      void asked.finally(() => this.under.delete(asked));
    }, 40);
  }

  async leave(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all(this.under);
  }
}

inBrowser('the console, in a browser', () => {
  let world: DemoWorld;
  let visitors: Visitors;
  let browser: Browser;
  let desktop: WatchedPage;
  let phone: WatchedPage;

  beforeAll(async () => {
    mkdirSync(PICTURES, { recursive: true });
    [world, browser] = await Promise.all([DemoWorld.start({ config: configuration() }), launchChromium()]);
    visitors = new Visitors(world);
    desktop = await WatchedPage.open(browser, {
      // A little less of it where it is to be small.
      viewport: { width: 1440, height: forDocs ? 820 : 900 },
    });
    phone = await WatchedPage.open(browser, {
      viewport: { width: 390, height: 844 },
      deviceScaleFactor: forDocs ? 1.5 : 2,
      isMobile: true,
      hasTouch: true,
    });
    await Promise.all(
      [desktop, phone].map(({ page }) => page.goto(`${world.gateway.managementUrl}/console`)),
    );
  }, 60_000);

  afterAll(async () => {
    await visitors.leave();
    await browser.close();
    await world.stop();
  });

  beforeEach(async () => {
    for (const { page } of [desktop, phone]) await page.evaluate('location.hash = "#/"');
    await shown('.tiles');
  });

  // Seconds of a slow start may cost the quickest of them an attempt or two.
  const allUp = (): Promise<void> => shown('.situation[data-status=up]');
  const tile = (name: ServiceName, status: string): string => `#upstream-${name}[data-status=${status}]`;
  const shown = async (selector: string): Promise<void> => {
    await desktop.page.locator(selector).first().waitFor({ timeout: 30_000 });
  };

  async function pictures(what: string): Promise<void> {
    for (const [form, { page }] of Object.entries({ desktop, phone }))
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        await page.evaluate('document.activeElement.blur(), scrollTo(0, 0)');
        await page.screenshot({ path: join(PICTURES, `console-${what}-${form}-${colorScheme}.png`) });
      }
    await desktop.page.emulateMedia({ colorScheme: null });
  }

  it('shows every upstream up, live, with what the composites have answered', async () => {
    for (const name of SERVICES) await shown(tile(name, 'up'));
    await shown('.connection[data-kind=live]');
    await shown(`.composites a:has-text("${OVERVIEW}")`);
    await shown('.composites tbody tr:nth-child(3)');

    await shown('.situation-sentence:has-text("All 6 upstreams are up")');
    expect(await desktop.page.title()).toBe('All 6 upstreams are up · Tributary');
    if (forDocs) await new Promise((resolve) => setTimeout(resolve, 320_000));
    await pictures('healthy');
  }, 400_000);

  it('never scrolls sideways on a phone', async () => {
    for (const hash of ['#/', `#/composites/${encodeURIComponent(OVERVIEW)}`]) {
      await phone.page.evaluate(`location.hash = '${hash}'`);
      await phone.page
        .locator(hash === '#/' ? '.tile' : '.waterfall')
        .first()
        .waitFor();
      expect(await phone.page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    }
  });

  it('is used with the keyboard alone', async () => {
    await allUp();
    await desktop.page.evaluate('document.activeElement.blur()');
    await desktop.press('Tab');
    expect(await desktop.focused()).toBe('Skip to the upstreams');
    await desktop.press('Enter', 'Tab', 'Tab', 'Tab');
    expect(await desktop.focused()).toBe('customers, up');
    await desktop.press('ArrowRight', 'ArrowDown');
    expect(await desktop.focused()).toBe('reviews, up');
    await desktop.press('Tab');
    expect(await desktop.focused()).toBe('Operate reviews');
    await desktop.press('Enter', 'ArrowDown');
    expect(await desktop.focused()).toBe('Close breaker');
    await desktop.press('Escape', 'Tab');
    expect(await desktop.focused()).toMatch(/^Latency of reviews/);
    const latest = await desktop.page.locator('#upstream-reviews .spark').getAttribute('aria-valuetext');
    await desktop.press('ArrowLeft', 'ArrowLeft');
    const before = await desktop.page.locator('#upstream-reviews .spark').getAttribute('aria-valuetext');
    expect(latest).toMatch(/^now, \d+ calls?, 0 errors, p50 /);
    expect(before).toMatch(/ago, \d+ calls?, /);

    await desktop.page.locator('#composites').focus();
    await desktop.press('Tab', 'Home', 'ArrowDown', 'ArrowUp');
    const row = await desktop.focused();
    await desktop.press('Enter');
    await shown('.waterfall');
    expect(await desktop.focused()).toBe(row);
    expect(await desktop.textOf('#composite-title')).toBe(row);
    await desktop.press('Escape');
    await shown('.tiles');
    expect(await desktop.focused()).toBe(row);
  }, 40_000);

  it('draws the plan of a composite, and its last requests part by part', async () => {
    await desktop.page.click(`.composites a:has-text("${OVERVIEW}")`);
    await shown('.waterfall .lane-bar');
    // The list stands still under the pointer.
    await desktop.page.mouse.move(0, 0);

    const parts = ['customer', 'orders', 'products', 'offers'];
    expect(await desktop.page.locator('.plan-name').allTextContents()).toEqual(expect.arrayContaining(parts));
    const lanes = await desktop.page.locator('.lane-name').allInnerTexts();
    expect(lanes.map((lane) => lane.split(/\s/)[0])).toEqual(parts);
    expect(await desktop.textOf('.request .copyable')).toMatch(/^request \S{8,}copy$/);
    // It is refreshed while it is open.
    const latest = await desktop.page.locator('.request-list li').first().getAttribute('data-item');
    await shown(`.request-list li:first-child:not([data-item="${latest ?? ''}"])`);

    // Whoever reads it does not want it to move.
    const first = desktop.page.locator('.request-list li').first();
    await first.focus();
    const read = await first.getAttribute('data-item');
    await desktop.page.waitForResponse(/api\/composites/);
    expect(await first.getAttribute('data-item')).toBe(read);
    expect(await desktop.focused()).toContain('GET 200');
    await desktop.page.screenshot({ path: join(PICTURES, 'console-composite-desktop-light.png') });
  }, 40_000);

  it('says within seconds that an upstream is down, and names the transition', async () => {
    await allUp();
    const killedAt = performance.now();
    await world.service('reviews').kill();
    await Promise.all([
      shown(tile('reviews', 'down')),
      shown('.feed li[data-severity=bad]:has-text("reviews")'),
    ]);
    process.stderr.write(
      `console: a killed service shown after ${Math.round(performance.now() - killedAt)} ms\n`,
    );

    expect(await desktop.textOf('.situation-sentence')).toBe('reviews is down');
    expect(await desktop.textOf('.hurting')).toContain('felt by product-page');
    await shown('.degradations :has-text("reviews")');
    if (forDocs) await shown('#upstream-reviews .breaker-state[data-state=open]');
    await pictures('down');
  }, 40_000);

  it('says that it has recovered', async () => {
    const healedAt = performance.now();
    await world.service('reviews').start();
    await Promise.all([
      shown(tile('reviews', 'up')),
      shown('.feed li[data-severity=good]:has-text("reviews")'),
    ]);
    process.stderr.write(`console: recovered after ${Math.round(performance.now() - healedAt)} ms\n`);
  }, 40_000);

  it('forces a breaker open for whoever has the token, and nobody else', async () => {
    const { page } = desktop;
    await page.click('[aria-label="Operate offers"]');
    await page.click('text=Force open…');
    await page.fill('input[type=password]', 'not-the-token-at-all');
    await page.click('dialog button[type=submit]');
    await shown('.dialog-failure:has-text("does not know this token")');
    expect(desktop.complaints.splice(0)).toEqual([expect.stringContaining('status of 401')]);

    await page.fill('input[type=password]', TOKEN);
    await page.screenshot({ path: join(PICTURES, 'console-action-desktop-light.png') });
    await page.click('dialog button[type=submit]');
    await shown('#upstream-offers .breaker-state:has-text("forced open")');
    await shown('.feed li:has-text("offers")');
    expect(world.gateway.log.some((line) => line.includes('Audit') && line.includes('offers'))).toBe(true);

    // The token is known now: what harms nobody takes no dialog.
    await page.click('[aria-label="Operate offers"]');
    await page.click('text=Reset breaker');
    await shown('.said[data-ok=true]');
    await shown('#upstream-offers .breaker-state:has-text("closed")');
    await page.click('text=Forget token');
    expect(await page.evaluate('sessionStorage.length')).toBe(0);
  }, 40_000);

  it('marks what it shows as old while the gateway says nothing, and is live again by itself', async () => {
    world.gateway.signal('SIGSTOP');
    await shown('.old');
    world.gateway.signal('SIGCONT');
    await shown('.connection[data-kind=live]');
  }, 40_000);

  it('has broken no rule of its Content-Security-Policy, and made no error', () => {
    expect({ desktop: desktop.complaints, phone: phone.complaints }).toEqual({ desktop: [], phone: [] });
  });
});
