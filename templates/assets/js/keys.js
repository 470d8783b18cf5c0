// The keyboard. Keys act only outside of fields; every one of them is also a link or a button on the page.

import { expandHere } from './context.js';
import { commentHere } from './talk.js';
import { viewedAndNext } from './viewed.js';

let prefix = '';

export function startKeys() {
  const sheet = document.getElementById('key-sheet');
  const opener = document.querySelector('[data-keys-open]');
  if (sheet === null) return;
  if (opener !== null) {
    opener.hidden = false;
    opener.addEventListener('click', () => sheet.showModal());
  }
  sheet.querySelector('[data-keys-close]')?.addEventListener('click', () => sheet.close());
  if (location.hash === approveHash) approve();
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
    case 'g q':
      // Where no repository is shown, home has the queues of all.
      location.assign(document.body.dataset.queue ?? '/');
      return true;
    case 'j':
    case 'k':
      return move('.file-diff, .list-item .title-link, .entries .entry', key === 'j' ? 1 : -1);
    case 'J':
    case 'K':
      return moveLine(key === 'J' ? 1 : -1);
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
      return unfoldFile() || expandHere() || foldStep();
    case 'v':
      return viewedAndNext() || follow('[data-key="v"]');
    case 'c':
      return commentHere() || follow('[data-key="c"]');
    case 'a':
      return approve() || leadToVerdict();
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

// The field of the verdict is called so too: without script the address leads there.
const approveHash = '#verdict-approve';

/** Chooses the approval, so that Enter sends it. */
function approve() {
  const choice = document.querySelector('[data-approve]');
  if (choice === null) return false;
  choice.checked = true;
  choice.focus();
  return true;
}

function leadToVerdict() {
  const tab = document.querySelector('[data-decide]:not([aria-current])');
  if (tab !== null) location.assign(tab.href + approveHash);
  return tab !== null;
}

function focusOn(selector) {
  const element = document.querySelector(selector);
  element?.focus();
  return element !== null;
}

/** A file that stands folded, because it was viewed or is long, is opened first. */
function unfoldFile() {
  const file = document.activeElement?.closest('.file-diff');
  const folded = file?.querySelector(':scope > details:not([open])');
  folded?.setAttribute('open', '');
  return folded !== null && folded !== undefined;
}

function foldStep() {
  const step = document.activeElement?.closest('details');
  step?.toggleAttribute('open');
  return step !== null && step !== undefined;
}

/** To the line after or before what has the focus: a line, a hunk or a file. */
function moveLine(direction) {
  const lines = [...document.querySelectorAll('.diff tr:has(> .line-number)')];
  const line = beside(lines, direction);
  if (line !== undefined) focusAt(line, 'nearest');
  return line !== undefined;
}

/** Moves the focus among the matching elements, from the focused one or from the place that has the focus. */
function move(selector, direction, before = () => undefined) {
  const all = [...document.querySelectorAll(selector)];
  const next = beside(all, direction) ?? (direction > 0 ? all.findLast(isShown) : all.find(isShown));
  if (next === undefined) return false;
  before(next);
  focusAt(next, 'start');
  return true;
}

const isShown = (element) => element.checkVisibility();

/** The element before or after the one with the focus; at the end that one itself, and the first when none has it. */
function beside(all, direction) {
  const here = document.activeElement;
  const at = all.findIndex((element) => element.contains(here));
  const isDown = direction > 0;
  if (at >= 0) {
    const rest = isDown ? all.slice(at + 1) : all.slice(0, at).toReversed();
    return rest.find(isShown) ?? all[at];
  }
  if (here === null || here === document.body) return all.find(isShown);
  const wanted = isDown ? Node.DOCUMENT_POSITION_FOLLOWING : Node.DOCUMENT_POSITION_PRECEDING;
  const rest = all.filter((element) => here.compareDocumentPosition(element) & wanted);
  return isDown ? rest.find(isShown) : rest.findLast(isShown);
}

function focusAt(element, block) {
  if (!element.matches('a, button, summary, [tabindex]')) element.tabIndex = -1;
  element.focus({ preventScroll: true });
  element.scrollIntoView({ block, behavior: 'instant' });
}
