// What a reader does on a page: follows a link, sends a form, presses a key, opens what is folded, goes back.
import type { ElementHandle, Page } from 'playwright-core';

type Random = () => number;
const pick = <T>(random: Random, all: readonly T[]): T | undefined => all[Math.floor(random() * all.length)];

/** Links that lead to no page, or out of the session. */
const noPages =
  /\/(?:raw|archive|artifacts|info|objects|ph|metrics|logout|login|join)(?:\/|\?|$)|\.atom|\.svg|\/live|\/api\//;
/** Forms whose sending does not end the walk: nothing is removed that it stands on, and nobody loses a right. */
const forms =
  /\/branches\/\d+\/(?!merge)|\/inbox\/dismiss|\/runs\/\d+|\/landings|\/land\b|\/nightlies|\/search|\/compare|\/tests|\/admin\/housekeeping|\/mirrors\/[^/]+\/sync|\/tree|\/audit/;
const keys =
  'j k n p J K v c a m t f o . l s w x u y e / [ ] d ? Escape Tab Shift+Tab Enter ArrowRight ArrowLeft Control+.'.split(
    ' ',
  );
const words = [
  'Why so, @ben?',
  '',
  ' ',
  'x'.repeat(600),
  '<script>alert(1)</script>',
  '`` ` ``\n\n- [ ] "quoted" & more',
  'ＷＩＤＥ 😀 \u202e back',
  '-1',
  '0',
  "'; DROP TABLE branches; --",
  'ada',
];

/** Does one thing and says what. */
export async function readOn(page: Page, random: Random): Promise<string> {
  const dice = random();
  if (dice < 0.34) return followLink(page, random);
  if (dice < 0.5) return sendForm(page, random);
  if (dice < 0.74) return pressKey(page, random);
  if (dice < 0.8) return goInHistory(page, random);
  if (dice < 0.86) return changeLook(page, random);
  return pressButton(page, random);
}

async function followLink(page: Page, random: Random): Promise<string> {
  const links = await page.$$('a[href]');
  const addresses = await page.evaluate(
    (all) => all.map((link) => (link.checkVisibility() ? (link as HTMLAnchorElement).href : '')),
    links,
  );
  const here = new URL(page.url()).origin;
  const good = addresses.flatMap((href, at) =>
    href.startsWith(here) && !noPages.test(href.slice(here.length)) ? [at] : [],
  );
  const at = pick(random, good);
  if (at === undefined) return 'finds no link';
  const isDownload = await links[at]?.evaluate((link) => link.hasAttribute('download'));
  if (isDownload === true) return 'leaves a download';
  await act(page, () => links[at]?.evaluate((link) => (link as HTMLElement).click()));
  return `follows ${addresses[at]?.slice(here.length)}`;
}

async function sendForm(page: Page, random: Random): Promise<string> {
  const all = (await page.$$('form')) as ElementHandle<HTMLFormElement>[];
  const actions = await page.evaluate((each) => each.map((form) => form.getAttribute('action') ?? ''), all);
  const at = pick(
    random,
    actions.flatMap((action, place) => (forms.test(action) ? [place] : [])),
  );
  const form = at === undefined ? undefined : all[at];
  if (form === undefined || at === undefined) return 'finds no form';
  const said = Array.from({ length: 4 }, () => pick(random, words) ?? '');
  const which = random();
  await act(page, () =>
    form.evaluate(
      (element, { said, which }) => {
        for (const field of element.elements) {
          if (
            field instanceof HTMLTextAreaElement ||
            (field instanceof HTMLInputElement && /^(?:text|search)$/.test(field.type))
          )
            field.value = said.pop() ?? 'more';
          else if (field instanceof HTMLSelectElement)
            field.selectedIndex = Math.floor(which * field.options.length);
          else if (field instanceof HTMLInputElement && /^(?:radio|checkbox)$/.test(field.type))
            field.checked = which > 0.5;
        }
        const buttons = [...element.elements].filter(
          (each): each is HTMLButtonElement =>
            each instanceof HTMLButtonElement && each.type === 'submit' && !each.disabled,
        );
        const button = buttons[Math.floor(which * buttons.length)];
        if (button === undefined) return;
        if (!element.checkValidity()) element.noValidate = which > 0.7;
        element.requestSubmit(button);
      },
      { said, which },
    ),
  );
  return `sends ${actions[at]}`;
}

async function pressKey(page: Page, random: Random): Promise<string> {
  const key = random() < 0.1 ? 'g' : (pick(random, keys) ?? 'j');
  // Enter and the space bar press what has the focus; the way out of the session is not taken.
  const isLeaving = /^(?:Enter|Space|d)$/.test(key)
    ? await page.evaluate(() => {
        const form = document.activeElement?.closest('form');
        const href = document.activeElement?.getAttribute('href') ?? '';
        return /logout|settings|account|people|raw|archive|artifact/.test(
          `${form?.getAttribute('action') ?? ''} ${href}`,
        );
      })
    : false;
  if (isLeaving) return `leaves ${key} alone`;
  await act(page, async () => {
    await page.keyboard.press(key);
    if (key === 'g') await page.keyboard.press(pick(random, ['h', 'i', 'q']) ?? 'h');
  });
  return `presses ${key}`;
}

async function goInHistory(page: Page, random: Random): Promise<string> {
  const isBack = random() < 0.7;
  await act(page, () => page.evaluate((back) => history.go(back ? -1 : 1), isBack));
  // The browser goes on to the place on the page where the reader was.
  await page.waitForTimeout(300);
  return isBack ? 'goes back' : 'goes forward';
}

async function changeLook(page: Page, random: Random): Promise<string> {
  const width = pick(random, [360, 768, 1280, 2560]) ?? 360;
  await page.setViewportSize({ width, height: 800 });
  await act(page, () =>
    page.evaluate(() => document.querySelector<HTMLElement>('[data-theme-switch]')?.click()),
  );
  return `is ${width} px wide`;
}

/** What a page does by script: folds, copies, opens the drawer, the sheet of keys, a form on a line. */
async function pressButton(page: Page, random: Random): Promise<string> {
  const selector =
    'summary, [data-copy], [data-drawer-toggle], [data-drawer-close], [data-keys-open], [data-keys-close], .expand, .diff .line-number a, [data-talk-cancel], [data-log-follow], [data-log-wrap], [data-tree-find]';
  const all = await page.$$(selector);
  const seen = await page.evaluate((each) => each.map((element) => element.checkVisibility()), all);
  const at = pick(
    random,
    seen.flatMap((isSeen, place) => (isSeen ? [place] : [])),
  );
  if (at === undefined) return 'finds nothing to press';
  const name = await all[at]?.evaluate((element) => element.outerHTML.slice(0, 80).replace(/\s+/g, ' '));
  await act(page, () => all[at]?.evaluate((element) => (element as HTMLElement).click()));
  return `presses ${name}`;
}

/** Does it, and waits for the page that it may lead to. */
async function act(page: Page, does: () => Promise<unknown> | undefined): Promise<void> {
  await does()?.catch((error: unknown) => {
    // The page was left while it was being asked.
    if (!/Execution context|navigat|detached|closed/i.test(String(error))) throw error;
  });
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 30))).catch(() => undefined);
  await page.waitForLoadState('load').catch(() => undefined);
}
