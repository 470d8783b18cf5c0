// Takes pictures of every page, wide and narrow, light and dark, on the forge of rich-forge.ts. What begins with the
// names that follow is taken alone. Usage: node test/browser/screenshots.ts [FOLDER [NAME…]]
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { launchBrowser } from '../support/browser.ts';
import { startRichForge, type RichForge } from '../support/rich-forge.ts';
import { pagesOf } from './page-addresses.ts';

const looks = [
  { name: 'wide-light', width: 1280, height: 900, colorScheme: 'light' },
  { name: 'wide-dark', width: 1280, height: 900, colorScheme: 'dark' },
  { name: 'narrow-light', width: 360, height: 780, colorScheme: 'light' },
  { name: 'narrow-dark', width: 360, height: 780, colorScheme: 'dark' },
] as const;
/** Some pages are very long; their beginning tells enough. */
const maxHeight = 4000;

async function takePage(page: Page, target: { url: string; folder: string; title: string }): Promise<void> {
  const { url, folder, title } = target;
  await page.goto(url);
  for (const { name, width, height, colorScheme } of looks) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const wanted: number = await page.evaluate('document.documentElement.scrollHeight');
    const clip = { x: 0, y: 0, width, height: Math.min(maxHeight, Math.max(height, wanted)) };
    await page.screenshot({ path: join(folder, `${title}.${name}.png`), fullPage: true, clip });
  }
}

async function takeAll(folder: string, names: readonly string[]): Promise<number> {
  const rich: RichForge = await startRichForge();
  const browser = await launchBrowser();
  let taken = 0;
  try {
    const page = await browser.newPage();
    await rich.signIn(page);
    for (const [title, path] of pagesOf(rich)) {
      if (names.length > 0 && !names.some((name) => title.startsWith(name))) continue;
      await takePage(page, { url: rich.served.http + path, folder, title });
      taken += looks.length;
    }
  } finally {
    await browser.close();
    await rich.dispose();
  }
  return taken;
}

const [folder = 'test/screenshots', ...names] = process.argv.slice(2);
mkdirSync(resolve(folder), { recursive: true });
console.log(`${await takeAll(resolve(folder), names)} pictures in ${resolve(folder)}`);
