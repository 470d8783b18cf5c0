// The log of a lane as people read it: folds, links to lines, search, the first error, following, and without script.
import type { BrowserContextOptions, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { findFaults } from '../support/axe.ts';
import { useBrowser } from '../support/browser.ts';
import { manifestOf, pushBranch, pushProject } from '../support/sample-project.ts';
import { useSharedForge } from '../support/serve.ts';

const openShared = useSharedForge();
const browser = useBrowser();

// Line 1 is the forge's own; 2 opens a fold of 2000 lines, 2003 ends it.
const script = `echo "::group::install"; seq -f "added package %.0f" 1 2000; echo "::endgroup::"
echo "::group::small"; echo inside; echo "::endgroup::"
seq -f "row %.0f of the listing" 1 3000
printf '\\033[31mTypeError\\033[0m: no such thing\\n'
seq -f "after %.0f" 1 1500
exit 1
`;
const errorLine = 1 + 2002 + 3 + 3000 + 1;
const lastLine = errorLine + 1500 + 1;
const lane = '/ada/app/runs/1/lanes/unit';
const generous = { timeout: 60_000 };

let ready: Promise<string> | undefined;

/** A forge with one run: `unit` has failed with the log above, `ticks` prints on. Answers its address. */
function serveRun(): Promise<string> {
  ready ??= (async () => {
    const served = await openShared();
    const ada = await served.person('ada', 'admin');
    await served.operate('repo', 'create', 'ada/app', '--public');
    const lanes = [
      { id: 'unit', command: 'sh unit.sh' },
      { id: 'ticks', command: 'i=0; while true; do i=$((i+1)); echo "tick $i"; sleep 0.2; done' },
    ];
    const files = { 'unit.sh': script, '.pika/lanes.toml': manifestOf(lanes) };
    await pushProject(served, { client: ada, repo: 'ada/app', files });
    await pushBranch(ada, { name: 'work', message: 'Change it', files: { 'a.txt': 'a' } });
    const state = async () => {
      const answer = await fetch(`${served.http}/api/v1/repos/ada/app/runs/1`);
      if (!answer.ok) return 'not there yet';
      const { lanes } = (await answer.json()) as { lanes: { state: string }[] };
      return lanes.map((lane) => lane.state).join(' ');
    };
    await expect.poll(state, { timeout: 120_000, interval: 500 }).toBe('failed running');
    return served.http;
  })();
  return ready;
}

/** A machine that runs all tests at once loads a page slowly. */
async function newPage(options: BrowserContextOptions = {}): Promise<Page> {
  const page = await (await browser()).newPage(options);
  page.setDefaultTimeout(90_000);
  return page;
}

const seen = (page: Page, line: number) => page.locator(`.log #L${line}`);

test(
  'a log opens at the end of what failed, and reads on to its beginning',
  { timeout: 300_000 },
  async () => {
    const http = await serveRun();
    const page = await newPage();
    await page.goto(http + lane);
    await seen(page, lastLine).waitFor();
    await expect.poll(() => seen(page, lastLine).isVisible(), generous).toBe(true);
    expect(await page.locator('[data-log-count]').innerText()).toContain('6,508 lines');
    const first = () => page.locator('.log-block').first().getAttribute('data-log-first').then(Number);
    for (let before = await first(); before > 1;) {
      await page.locator('.log').evaluate((box: { scrollTop: number }) => (box.scrollTop = 0));
      await expect.poll(first, generous).toBeLessThan(before);
      before = await first();
    }
    await seen(page, 1).waitFor();
    // What lies far away is let go, so that the page stays small.
    expect(await page.locator('.log-line').count()).toBeLessThan(5000);
    expect(await seen(page, lastLine).count()).toBe(0);
    await page.getByRole('link', { name: 'Last line' }).click();
    await seen(page, lastLine).waitFor();
    await page.close();
  },
);

test('a link leads to its lines, in a fold as well', { timeout: 300_000 }, async () => {
  const http = await serveRun();
  const page = await newPage();
  await page.goto(`${http}${lane}#L1500-L1502`);
  await seen(page, 1501).waitFor();
  await expect.poll(() => page.locator('.log-line.marked').count(), generous).toBe(3);
  expect(await seen(page, 1501).innerText()).toContain('added package 1499');
  await seen(page, 1510).locator('a').click();
  expect(new URL(page.url()).hash).toBe('#L1510');
  await seen(page, 1507)
    .locator('a')
    .click({ modifiers: ['Shift'] });
  expect(new URL(page.url()).hash).toBe('#L1507-L1510');
  expect(await page.locator('.log-line.marked').count()).toBe(4);
  await page.close();
});

test('a long fold brings its lines when it is opened', { timeout: 300_000 }, async () => {
  const http = await serveRun();
  const page = await newPage();
  await page.goto(`${http}${lane}?from=1`);
  await page.getByRole('link', { name: 'First line' }).click();
  await page.locator('#fold-2 > summary').click();
  await seen(page, 502).waitFor();
  await page.getByRole('link', { name: /^Show 500 more of 1,500 lines$/ }).click();
  await seen(page, 1002).waitFor();
  expect(await page.locator('#fold-2 .log-line').count()).toBe(1001);
  await page.locator('#fold-2004 > summary').click();
  expect(await seen(page, 2005).isVisible()).toBe(true);
  await page.close();
});

test('search goes through all of it, and Enter from hit to hit', { timeout: 300_000 }, async () => {
  const http = await serveRun();
  const page = await newPage();
  await page.goto(http + lane);
  await expect.poll(() => page.locator('.log.boxed').count(), generous).toBe(1);
  await page.keyboard.press('/');
  await page.keyboard.type('PACKAGE 199');
  await page.keyboard.press('Enter');
  // Lines 199, 1990 … 1999 of the listing.
  await expect.poll(() => page.locator('.log-hits li').count(), generous).toBe(11);
  await expect.poll(() => seen(page, 201).getAttribute('class'), generous).toContain('found');
  await page.keyboard.press('Enter');
  await expect.poll(() => seen(page, 1992).getAttribute('class'), generous).toContain('found');
  await page.keyboard.press('Shift+Enter');
  await expect.poll(() => seen(page, 201).getAttribute('class'), generous).toContain('found');
  await page.getByRole('link', { name: 'Close', exact: true }).click();
  await expect.poll(() => page.locator('.log-hits').count(), generous).toBe(0);
  await page.close();
});

test('the first error is one key away', { timeout: 300_000 }, async () => {
  const http = await serveRun();
  const page = await newPage();
  await page.goto(http + lane);
  await expect.poll(() => page.locator('.log.boxed').count(), generous).toBe(1);
  await page.keyboard.press('e');
  await expect.poll(() => new URL(page.url()).hash, generous).toBe(`#L${errorLine}`);
  await expect.poll(() => seen(page, errorLine).getAttribute('class'), generous).toMatch(/error.*marked/);
  await page.close();
});

test('a running lane is followed until its reader scrolls away', { timeout: 300_000 }, async () => {
  const http = await serveRun();
  const page = await newPage({ viewport: { width: 1000, height: 420 } });
  await page.goto(`${http}/ada/app/runs/1/lanes/ticks`);
  const follow = page.getByRole('button', { name: 'Follow', exact: true });
  await follow.waitFor();
  const last = async () => Number((await page.locator('.log-line').last().getAttribute('id'))?.slice(1));
  const fromEnd = () =>
    page
      .locator('.log')
      .evaluate(
        (box: { scrollHeight: number; scrollTop: number; clientHeight: number }) =>
          box.scrollHeight - box.scrollTop - box.clientHeight,
      );
  await expect.poll(last, { timeout: 60_000 }).toBeGreaterThan(25);
  await expect.poll(fromEnd, generous).toBeLessThan(2);
  await page
    .locator('.log')
    .evaluate(
      (box: { scrollHeight: number; scrollTop: number; clientHeight: number }) =>
        (box.scrollTop = Math.max(0, box.scrollHeight - box.clientHeight - 400)),
    );
  await expect.poll(() => follow.getAttribute('aria-pressed'), generous).toBe('false');
  // It is told that there is more; what is being read stays where it is.
  const where = page.locator('[data-log-where]');
  const reading = async () => /^Line (\S+) of/.exec((await where.textContent()) ?? '')?.[1];
  const told = async () => Number.parseInt(await page.locator('[data-log-count]').innerText(), 10);
  const [line, then] = [await reading(), await told()];
  await expect.poll(told, generous).toBeGreaterThan(then + 3);
  expect(await reading()).toBe(line);
  await follow.click();
  await expect.poll(fromEnd, generous).toBeLessThan(2);
  await page.close();
});

test(
  'without script the log is read by pages, folds open and search works',
  { timeout: 300_000 },
  async () => {
    const http = await serveRun();
    const page = await newPage({ javaScriptEnabled: false });
    await page.goto(http + lane);
    expect(await seen(page, lastLine).innerText()).toContain('test_failure');
    await page.getByRole('link', { name: /^Earlier: 6,008 more lines above$/ }).click();
    expect(await page.locator('.log-line').first().getAttribute('id')).toBe('L5509');
    await page.getByRole('link', { name: /^Later:/ }).click();
    expect(await seen(page, lastLine).isVisible()).toBe(true);
    await page.getByRole('link', { name: 'First line' }).click();
    await page.locator('#fold-2 > summary').click();
    await page.getByRole('link', { name: 'Show 2,000 lines' }).click();
    expect(await seen(page, 3).isVisible()).toBe(true);
    await page.getByRole('link', { name: 'First error' }).click();
    expect(new URL(page.url()).search).toBe(`?attempt=1&line=${errorLine}`);
    expect(await seen(page, errorLine).isVisible()).toBe(true);
    await page.getByLabel('Search in the log').fill('row 2345');
    await page.keyboard.press('Enter');
    await page.locator('.log-hits a').click();
    expect(await seen(page, 2006 + 2345).innerText()).toContain('row 2345 of the listing');
    await page.close();
  },
);

test('axe finds no fault on it, wide or narrow, light or dark', { timeout: 300_000 }, async () => {
  const http = await serveRun();
  const page = await newPage({ reducedMotion: 'reduce' });
  for (const [width, colorScheme] of [
    [1280, 'light'],
    [360, 'dark'],
  ] as const) {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme });
    for (const path of [
      `${lane}?from=1`,
      `${lane}?q=package+19`,
      '/ada/app/runs/1/lanes/ticks',
      '/ada/app/runs/1',
    ]) {
      await page.goto(http + path);
      expect(await findFaults(page), `${path} ${width}`).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth'), path).toBeLessThanOrEqual(width);
    }
  }
  await page.close();
});
