// A walk at random through the pages of a forge on which others work: after every step the page must be whole, show what
// is so, and have lost nothing of what its reader did there.
import { setTimeout as delay } from 'node:timers/promises';
import type { Browser, BrowserContext, Page, Request } from 'playwright-core';
import { createAccount } from '../../src/accounts/create-account.ts';
import { findAccountByName } from '../../src/accounts/find.ts';
import type { RichForge } from '../support/rich-forge.ts';
import { faultsOf, leaveTraces, lostTraces, staleness } from './walk-look.ts';
import { othersOn, type Others } from './walk-others.ts';
import { readOn } from './walk-reader.ts';

export interface Walk {
  rich: RichForge;
  browser: Browser;
  random: () => number;
  /** How often each reader comes, and for how many steps; and when it ends all the same. */
  rounds: number;
  steps: number;
  endAt: number;
  signal?: AbortSignal;
  say: (line: string) => void;
}

const readers = ['ada', 'ben', 'eve', undefined] as const;
const settleMs = 60_000;
const patienceMs = 120_000;
const maxFaults = 20;
const starts = [
  '/',
  '/ada/app',
  '/inbox',
  '/ada/app/branches/1',
  '/ada/app/branches/1?tab=discussion',
  '/ada/app/landings',
  '/ada/app/branches/2?tab=changes',
  '/ada/app/runs/1',
];

/** Answers what was wrong, with the steps that led there. */
export async function walk(given: Walk): Promise<string[]> {
  const { rich, random, rounds } = given;
  if (findAccountByName(rich.served.forge, 'eve') === undefined)
    createAccount(rich.served.forge, { name: 'eve', kind: 'person', role: 'member' });
  const others = othersOn(rich, random);
  const faults: string[] = [];
  for (let round = 0; round < rounds && !isOver(given) && faults.length < maxFaults; round += 1)
    for (const reader of readers) faults.push(...(await walkAs(given, { reader, others })));
  return faults;
}

const isOver = ({ endAt, signal }: Walk): boolean => Date.now() > endAt || signal?.aborted === true;

interface Reader {
  reader: (typeof readers)[number];
  others: Others;
}

async function walkAs(given: Walk, { reader, others }: Reader): Promise<string[]> {
  const { rich, browser, random, steps, say } = given;
  const context = await browser.newContext({ reducedMotion: 'reduce' });
  const page = await context.newPage();
  page.setDefaultTimeout(patienceMs);
  if (reader !== undefined) await rich.signIn(page, reader);
  const watch = watchPage(context, page);
  const faults: string[] = [];
  const path: string[] = [];
  const start = starts[Math.floor(random() * starts.length)] ?? '/';
  if (reader === undefined && start === '/inbox') return context.close().then(() => []);
  await page.goto(rich.served.http + start);
  say(`${reader ?? 'nobody'} begins at ${start}`);
  for (let step = 0; step < steps && !isOver(given); step += 1) {
    const before = page.url();
    const did = await readOn(page, random);
    const isOthersTurn = random() < 0.4;
    const found = await withoutVanished(page, { before, seen: watch.take() });
    if (isOthersTurn && !(await isStrange(page)))
      found.push(...(await meanwhile(given, { page, watch, others, path })));
    path.push(`${did} → ${page.url().replace(rich.served.http, '')}`);
    say(`  ${path.at(-1)}`);
    if (await isStrange(page)) {
      await page.goto(rich.served.http + start);
      watch.take();
      continue;
    }
    found.push(...(await faultsOf(page).catch(() => [])), ...watch.take());
    for (const fault of found) {
      faults.push(`${reader ?? 'nobody'} at ${page.url()}: ${fault}\n    after ${path.slice(-4).join('; ')}`);
      say(`FAULT ${faults.at(-1)}`);
    }
  }
  await context.close();
  return faults;
}

/** Not a page of the forge: a file as it is, or none. */
const isStrange = (page: Page): Promise<boolean> =>
  page.evaluate(() => document.querySelector('header.top-bar') === null).catch(() => true);

/** Others do something while the page stands open with the traces of its reader. */
async function meanwhile(
  { random, rich, say }: Walk,
  { page, watch, others, path }: { page: Page; watch: Watch; others: Others; path: string[] },
): Promise<string[]> {
  await watch.rest();
  const traces = await leaveTraces(page, Array.from({ length: 12 }, random)).catch(() => []);
  const count = 1 + Math.floor(random() * 3);
  for (let turn = 0; turn < count; turn += 1) {
    const did = random() < 0.06 ? await startAgain(rich) : await others();
    path.push(`meanwhile ${did}`);
    say(`    ${did} [${traces.join(', ')}]`);
  }
  const end = Date.now() + settleMs;
  let stale = await staleness(page).catch(() => undefined);
  while (stale !== undefined && Date.now() < end) {
    await delay(250);
    stale = await staleness(page).catch(() => undefined);
  }
  const lost = await lostTraces(page).catch(() => []);
  return stale === undefined ? lost : [`STALE ${stale}`, ...lost];
}

async function startAgain(rich: RichForge): Promise<string> {
  await rich.restart();
  return 'starts the forge again';
}

/** What a link led to may be gone by now; then the page that had the link does not have it any more. */
async function withoutVanished(
  page: Page,
  { before, seen }: { before: string; seen: string[] },
): Promise<string[]> {
  const kept: string[] = [];
  for (const fault of seen) {
    const gone = /^was answered 404 by GET https?:\/\/[^/]+(\S+)$/.exec(fault)?.[1];
    const html = gone === undefined ? '' : await (await page.request.get(before)).text();
    if (gone === undefined || html.includes(gone.replaceAll('&', '&amp;'))) kept.push(fault);
  }
  return kept;
}

interface Watch {
  /** What was wrong since it was asked last. */
  take: () => string[];
  /** Waits until the page has what it asked for. */
  rest: () => Promise<void>;
}

/** What the browser tells of the page. */
function watchPage(context: BrowserContext, page: Page): Watch {
  let seen: string[] = [];
  const fetching = new Set<Request>();
  page.on('request', (request) => {
    if (request.resourceType() === 'fetch') fetching.add(request);
  });
  for (const end of ['requestfinished', 'requestfailed'] as const)
    page.on(end as 'requestfinished', (request) => void fetching.delete(request));
  page.on('pageerror', (error) => seen.push(`threw ${error.message} ${error.stack?.split('\n')[1] ?? ''}`));
  page.on('console', (message) => {
    const text = message.text();
    if (message.type() !== 'error' && !text.includes('Content Security Policy')) return;
    if (!text.startsWith('Failed to load resource')) seen.push(`said ${text}`);
  });
  page.on('dialog', (dialog) => {
    seen.push(`asked ${dialog.message()}`);
    void dialog.dismiss();
  });
  context.on('response', (response) => {
    const status = response.status();
    const method = response.request().method();
    if (status < 400 || (method === 'POST' && status < 500)) return;
    // Keys lead everywhere, also whoever is not signed in.
    if (status === 401) return;
    // The way in is in the history, and works once.
    if (new URL(response.url()).pathname.startsWith('/login/')) return;
    seen.push(`was answered ${status} by ${method} ${response.url()}`);
  });
  return {
    rest: async () => {
      for (let turn = 0; turn < 100 && fetching.size > 0; turn += 1) await delay(50);
      await delay(50);
    },
    take: () => {
      const taken = seen;
      seen = [];
      return taken;
    },
  };
}
