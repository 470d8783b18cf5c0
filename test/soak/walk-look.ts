// What holds on every page at every moment, and whether what stands on a page left open is what a fresh one shows.
import type { Page } from 'playwright-core';

/** What is wrong with the page as it stands. */
export async function faultsOf(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const faults: string[] = [];
    const count = document.querySelectorAll('main').length;
    if (count !== 1) faults.push(`has ${count} main parts`);
    const banners = [...document.querySelectorAll('header')].filter(
      (header) => header.closest('main, article, aside, nav, section, dialog') === null,
    );
    if (banners.length !== 1) faults.push(`has ${banners.length} banners`);
    const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
    const twice = ids.filter((id, at) => ids.indexOf(id) !== at);
    if (twice.length > 0) faults.push(`has twice: ${[...new Set(twice)].slice(0, 5).join(', ')}`);
    if (innerWidth <= 360 && document.documentElement.scrollWidth > 360)
      faults.push(`is ${document.documentElement.scrollWidth} px wide at 360 px`);
    return faults;
  });
}

/**
 * Where the live parts of the page are not what the same address answers by now: undefined when they are. What the
 * reader did there, and times that pass, do not count.
 */
export async function staleness(page: Page): Promise<string | undefined> {
  return page.evaluate(async () => {
    // What is told of along with others stays as it is where nothing else is live.
    if (document.querySelector('[data-live]') === null) return undefined;
    const answer = await fetch(location.href);
    if (!answer.ok) return undefined;
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const marked = '[data-live][data-fragment], [data-live-also][data-fragment]';
    const readers = [
      'novalidate',
      'open',
      'tabindex',
      'hidden',
      'aria-busy',
      'aria-label',
      'aria-pressed',
      'title',
    ];
    const plain = (element: Element): string => {
      const copy = element.cloneNode(true) as Element;
      for (const each of copy.querySelectorAll('.mention-names')) each.remove();
      for (const each of copy.querySelectorAll('time, [data-running-since], svg.bars'))
        each.replaceChildren();
      for (const each of copy.querySelectorAll('*')) for (const name of readers) each.removeAttribute(name);
      for (const each of copy.querySelectorAll('[data-running-since]'))
        each.removeAttribute('data-running-since');
      return copy.innerHTML
        .replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d[:.\dZ]*/g, 'TIME')
        .replace(/\b\d+:\d\d(?::\d\d)?\b/g, 'LONG')
        .replace(/>\s+/g, '>')
        .replace(/\s+</g, '<')
        .replace(/\s+/g, ' ')
        .trim();
    };
    const parts = new Map(
      [...fresh.querySelectorAll<HTMLElement>(marked)].map((part) => [part.dataset['fragment'], part]),
    );
    for (const part of document.querySelectorAll<HTMLElement>(marked)) {
      const { fragment = '' } = part.dataset;
      if (fragment.includes('health')) continue;
      let other: Element | undefined = parts.get(fragment);
      if (part.hasAttribute('data-drawer-body')) {
        const response = await fetch(fragment, { headers: { 'x-fragment': '1' } });
        other = new DOMParser().parseFromString(await response.text(), 'text/html').body;
      }
      if (other === undefined) continue;
      const [here, there] = [plain(part), plain(other)];
      if (here === there) continue;
      let at = 0;
      while (here[at] === there[at]) at += 1;
      const from = Math.max(0, at - 80);
      return `${fragment} shows\n    …${here.slice(from, at + 160)}\n  in place of\n    …${there.slice(from, at + 160)}`;
    }
    return undefined;
  });
}

/** Remembers what the reader has done in the live parts, to be looked for after they changed. */
export async function leaveTraces(page: Page, dice: number[]): Promise<string[]> {
  return page.evaluate((thrown) => {
    const done: string[] = [];
    const pick = <T>(all: T[]): T | undefined => all[Math.floor((thrown.pop() ?? 0) * all.length)];
    const inLive = (selector: string): HTMLElement[] =>
      [...document.querySelectorAll('[data-live]')].flatMap((part) => [
        ...part.querySelectorAll<HTMLElement>(selector),
      ]);
    const kept: { element: HTMLElement; what: string; value: unknown; look: string; alike: number }[] = [];
    const countAlike = (look: string): number =>
      document.documentElement.outerHTML.split(look.slice(0, look.indexOf('>') + 1)).length;
    const keep = (element: HTMLElement, what: string, value: unknown): void => {
      const look = element.outerHTML;
      kept.push({ element, what, value, look, alike: countAlike(look) });
      done.push(`${what} ${element.tagName.toLowerCase()}${element.id && `#${element.id}`}`);
    };
    const details = pick(inLive('details')) as HTMLDetailsElement | undefined;
    if (details !== undefined) {
      details.open = !details.open;
      keep(details, 'folds', details.open);
    }
    const visible = (element: HTMLElement): boolean => element.checkVisibility();
    const field = pick(
      inLive('input:not([type=hidden]):not([type=checkbox]):not([type=radio]), textarea').filter(visible),
    ) as HTMLInputElement | undefined;
    if (field !== undefined) {
      field.value = `words ${Math.floor((thrown.pop() ?? 0) * 1000)}`;
      keep(field, 'types in', field.value);
    }
    const select = pick(inLive('select').filter(visible)) as HTMLSelectElement | undefined;
    if (select !== undefined && select.options.length > 0) {
      select.selectedIndex = select.options.length - 1;
      keep(select, 'chooses in', select.value);
    }
    const box = pick(inLive('input[type=checkbox], input[type=radio]').filter(visible)) as
      | HTMLInputElement
      | undefined;
    if (box !== undefined) {
      box.checked = true;
      keep(box, 'ticks', true);
    }
    const focusable = pick(
      inLive('a[href], button:not(:disabled), summary, input:not([type=hidden]), textarea, select').filter(
        visible,
      ),
    );
    if (focusable !== undefined) {
      focusable.focus();
      // Behind a sheet that is open nothing can have it.
      if (document.activeElement === focusable) keep(focusable, 'focuses', true);
    }
    scrollTo(0, Math.floor((thrown.pop() ?? 0) * document.documentElement.scrollHeight));
    const replaced = new Set<HTMLElement>();
    const gone = new Set<HTMLElement>();
    const watch = new MutationObserver(() => {
      for (const { element, look, alike } of kept) {
        if (element.isConnected || replaced.has(element) || gone.has(element)) continue;
        (countAlike(look) < alike ? gone : replaced).add(element);
      }
    });
    watch.observe(document, { childList: true, subtree: true });
    Object.assign(window, {
      walked: {
        kept,
        replaced,
        y: scrollY,
        height: document.documentElement.scrollHeight,
        address: location.href,
      },
    });
    return done;
  }, dice);
}

/** What of that is gone though the page still has the place for it. */
export async function lostTraces(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    interface Kept {
      element: HTMLElement;
      what: string;
      value: unknown;
      look: string;
    }
    const { walked } = window as unknown as {
      walked?: { kept: Kept[]; replaced: Set<HTMLElement>; y: number; height: number; address: string };
    };
    if (walked === undefined || walked.address !== location.href) return [];
    const now = (element: HTMLElement, what: string): unknown => {
      if (what === 'folds') return (element as HTMLDetailsElement).open;
      if (what === 'ticks') return (element as HTMLInputElement).checked;
      if (what === 'focuses') return document.activeElement === element;
      return (element as HTMLInputElement).value;
    };
    const faults: string[] = [];
    for (const { element, what, value, look } of walked.kept) {
      const name = `${element.tagName.toLowerCase()}${element.id && `#${element.id}`} ${look.slice(0, 160)}`;
      if (!element.isConnected) {
        if (walked.replaced.has(element)) faults.push(`${what}: replaced ${name}`);
        continue;
      }
      const isDead = element.matches(':disabled') || !element.checkVisibility();
      if (now(element, what) !== value && !(what === 'focuses' && isDead))
        faults.push(`${what}: ${String(now(element, what))} in place of ${String(value)} at ${name}`);
    }
    const grown = Math.abs(document.documentElement.scrollHeight - walked.height);
    // The browser holds what is in view where rows come and go above it.
    if (Math.abs(scrollY - walked.y) > grown + innerHeight / 2)
      faults.push(`scrolled from ${walked.y} to ${scrollY}, grown by ${grown}`);
    delete (window as { walked?: unknown }).walked;
    return faults;
  });
}
