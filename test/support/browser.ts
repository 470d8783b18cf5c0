// The machine's own Chromium, without anything that talks to anybody but the forge.
import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';
import { afterAll } from 'vitest';

/** The same pages without the windows around them: that takes a third less of the processor. */
const withoutWindows = '/usr/lib/chromium/chromium-headless-shell';
const executablePath = existsSync(withoutWindows) ? withoutWindows : '/usr/bin/chromium';

export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath,
    // A machine that runs all tests at once starts it slowly.
    timeout: 120_000,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });

/** For the top of a test file: one browser for the file, closed after its last test. */
export function useBrowser(): () => Promise<Browser> {
  let browser: Promise<Browser> | undefined;
  afterAll(async () => {
    await (await browser)?.close();
  });
  return () => (browser ??= launchBrowser());
}
