// The Changes of a branch in Chromium: how soon the first files are seen, and the longest that the page is busy while
// somebody scrolls through all of it.
import type { Page } from 'playwright-core';
import { launchBrowser } from '../support/browser.ts';
import { signIn } from '../support/sign-in.ts';
import { inMs, median, quantile, type Figure } from './measure.ts';
import { sizes, type ReviewStage, type Size } from './review-stage.ts';

const turns = 7;
const wheelPixels = 900;
const turnsOfTheWheel = 150;

/** What the page itself writes down; times are since its address was asked for. */
interface Seen {
  firstFilesMs: number | undefined;
  tasks: number[];
}

declare global {
  interface Window {
    seen: Seen;
  }
}

export async function measureInBrowser(stage: ReviewStage): Promise<Figure[]> {
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(60_000);
    await signIn(page, stage.served, stage.ada);
    await page.addInitScript(watch);
    const figures: Figure[] = [];
    for (const size of Object.keys(sizes) as Size[]) {
      const address = `${stage.served.http}${stage.paths[size]}?tab=changes`;
      figures.push(await measureFirstFiles(page, { size, address }));
      figures.push(await measureScrolling(page, size));
    }
    return figures;
  } finally {
    await browser.close();
  }
}

/** Runs in the page, before anything of it. */
function watch(): void {
  const seen: Seen = { firstFilesMs: undefined, tasks: [] };
  window.seen = seen;
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) seen.tasks.push(duration);
  }).observe({ type: 'longtask', buffered: true });
  const look = (): void => {
    const row = document.querySelector('.file-diff .diff tr .code');
    if (row === null || row.getBoundingClientRect().height === 0) requestAnimationFrame(look);
    // The frame after the one that has it is painted.
    else requestAnimationFrame(() => (seen.firstFilesMs = performance.now()));
  };
  requestAnimationFrame(look);
}

async function measureFirstFiles(
  page: Page,
  { size, address }: { size: Size; address: string },
): Promise<Figure> {
  const times: number[] = [];
  for (let turn = 0; turn < turns; turn += 1) {
    await page.goto(address, { waitUntil: 'load' });
    const time = await page.waitForFunction(() => window.seen.firstFilesMs);
    times.push((await time.jsonValue()) ?? Number.NaN);
  }
  return {
    what: `changes of ${size} in Chromium, until the first files are seen`,
    value: inMs(median(times)),
    how: `${turns} times, p95 ${inMs(quantile(times, 0.95))}`,
  };
}

async function measureScrolling(page: Page, size: Size): Promise<Figure> {
  await page.evaluate(() => void (window.seen.tasks = []));
  await page.mouse.move(700, 500);
  for (let turn = 0; turn < turnsOfTheWheel; turn += 1) {
    await page.mouse.wheel(0, wheelPixels);
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
  }
  const { tasks, files } = await page.evaluate(() => ({
    tasks: window.seen.tasks,
    files: document.querySelectorAll('.file-diff').length,
  }));
  const longest = Math.max(0, ...tasks);
  return {
    what: `the same, longest task while scrolling`,
    value: longest === 0 ? 'none over 50 ms' : inMs(longest),
    how: `${turnsOfTheWheel} turns of the wheel, through ${files} of ${size}; ${tasks.length} tasks over 50 ms`,
  };
}
