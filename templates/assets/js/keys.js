// The keyboard. Keys act only outside of fields; every one of them is also a link or a button on the page.

import { expandHere } from './context.js';
import { commentHere } from './talk.js';
import { viewedAndNext } from './viewed.js';

let prefix = '';

export function startKeys() {
  const sheet = document.getElementById('keys');
  const opener = document.querySelector('[data-keys-open]');
  if (sheet === null) return;
  if (opener !== null) {
    opener.hidden = false;
    opener.addEventListener('click', () => sheet.showModal());
  }
  sheet.querySelector('[data-keys-close]')?.addEventListener('click', () => sheet.close());
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (act(prefix + event.key, sheet)) event.preventDefault();
    prefix = event.key === 'g' && prefix === '' ? 'g ' : '';
  });
}

const isTyping = (target) =>
  target.matches('input:not([type=checkbox]), textarea, select, [contenteditable]');

function act(key, sheet) {
  switch (key) {
    case '?':
      sheet.showModal();
      return true;
    case 'g i':
      location.assign('/inbox');
      return true;
    case 'g h':
      location.assign('/');
      return true;
    case 'j':
    case 'k':
      return move('.file-diff, .list-item .title-link, .entries .entry', key === 'j' ? 1 : -1);
    case 'n':
    case 'p':
      return move('.diff tr.hunk:not(.tail), .diff tr.thread-row', key === 'n' ? 1 : -1);
    case 'ArrowRight':
    case 'ArrowLeft':
      return (
        follow(`[data-key="${key}"]`) ||
        move('.step > summary', key === 'ArrowRight' ? 1 : -1, (summary) =>
          summary.parentElement.setAttribute('open', ''),
        )
      );
    case 'x':
      return expandHere() || foldStep();
    case 'v':
      return viewedAndNext() || follow('[data-key="v"]');
    case 'c':
      return commentHere();
    case 'a':
      return focusOn('[data-approve]');
    case 'm':
      return focusOn('[data-merge]:not(:disabled)');
    default:
      return follow(`[data-key="${CSS.escape(key)}"]`);
  }
}

function follow(selector) {
  const link = document.querySelector(selector);
  if (link?.matches('input')) link.select();
  else link?.click();
  return link !== null;
}

function focusOn(selector) {
  const element = document.querySelector(selector);
  element?.focus();
  return element !== null;
}

function foldStep() {
  const step = document.activeElement?.closest('details');
  step?.toggleAttribute('open');
  return step !== null && step !== undefined;
}

/** Moves the focus among the matching elements, from the focused one or from the top of the window. */
function move(selector, direction, before = () => undefined) {
  const all = [...document.querySelectorAll(selector)].filter((element) => element.checkVisibility());
  if (all.length === 0) return false;
  const current = all.findIndex(
    (element) => element === document.activeElement || element.contains(document.activeElement),
  );
  const next = all[Math.min(all.length - 1, Math.max(0, current + direction))];
  before(next);
  if (!next.matches('a, button, summary, [tabindex]')) next.tabIndex = -1;
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: 'start', behavior: 'instant' });
  return true;
}
