// Comments without leaving the page: a click on a line's number opens the form below it, a click with Shift on another
// number makes it a range, and what is sent comes back as the thread it belongs to.

let start;

export function startTalk(enhance) {
  document.addEventListener('click', (event) => {
    const cancel = event.target.closest('[data-talk-cancel]');
    const link = event.target.closest('.diff .line-number a');
    if (cancel?.closest('.thread-row') && start !== undefined) {
      event.preventDefault();
      closeForm();
    } else if (link?.search.includes('comment=') && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      void openForm(link, event.shiftKey);
    }
  });
  document.addEventListener('keydown', (event) => {
    const form = event.target.matches('textarea') ? event.target.form : null;
    if (event.key === 'Escape' && form?.id === 'comment-form' && event.target.value === '') closeForm();
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || form === null) return;
    event.preventDefault();
    // Its first button: keeps a draft, sends an answer, submits a review.
    form.requestSubmit(form.querySelector('button:not([type="button"])'));
  });
  document.addEventListener('submit', (event) => {
    if (event.target.dataset.talkForm !== '') return;
    event.preventDefault();
    void send(event.target, event.submitter, enhance);
  });
}

/** The key c: the form at the line or hunk that has the focus, or the field for a comment on the whole branch. */
export function commentHere() {
  // A row that has the focus was chosen by key; the pointer may rest anywhere.
  const focused = document.activeElement?.closest('.diff tr');
  const row = focused?.matches(':focus') ? focused : (document.querySelector('.diff tr:hover') ?? focused);
  const line = row?.matches('.hunk') ? firstChange(row) : row;
  const link = line?.querySelector('.line-number.new a') ?? line?.querySelector('.line-number a');
  const near = document.activeElement?.closest('.file-diff')?.querySelector('.file-comment');
  const target = link ?? near ?? document.querySelector('.talk-say textarea');
  if (target instanceof HTMLTextAreaElement) target.focus();
  else target?.click();
  return target !== null;
}

/** The first line of a hunk that was added or removed; the lines around it are the same as before. */
function firstChange(hunk) {
  let row = hunk.nextElementSibling;
  while (row !== null && !row.matches('.hunk, .add, .del, :has(> .add, > .del)'))
    row = row.nextElementSibling;
  return row === null || row.matches('.hunk') ? hunk.nextElementSibling : row;
}

const placeOf = (link) => {
  const match = /^(.*):(old|new):(\d+)$/s.exec(new URLSearchParams(link.search).get('comment') ?? '');
  return match === null ? undefined : { path: match[1], side: match[2], line: Number(match[3]) };
};

async function openForm(link, isRange) {
  const place = placeOf(link);
  if (place === undefined) return;
  const isSame = isRange && start?.path === place.path && start?.side === place.side;
  const first = isSame ? Math.min(start.line, place.line) : place.line;
  const last = isSame ? Math.max(start.line, place.line) : place.line;
  const lastRow = isSame && start.line > place.line ? start.row : link.closest('tr');
  const address = new URL(link.href);
  address.searchParams.set(
    'comment',
    `${place.path}:${place.side}:${first === last ? first : `${first}-${last}`}`,
  );
  address.searchParams.set('fragment', 'form');
  const response = await fetch(address).catch(() => undefined);
  if (!response?.ok) {
    location.assign(link.href);
    return;
  }
  const html = await response.text();
  const typed = document.querySelector('.thread-row #comment-text')?.value ?? '';
  closeForm();
  if (!isSame) start = { ...place, row: lastRow };
  const row = document.createElement('tr');
  row.className = 'thread-row';
  const cell = row.insertCell();
  cell.colSpan = lastRow.cells.length;
  cell.append(...parse(html));
  markChosen(lastRow, last - first);
  below(lastRow).after(row);
  const field = row.querySelector('#comment-text');
  if (field === null) return;
  field.value = typed;
  field.focus();
}

/** Threads that stand below the line already come first. */
function below(row) {
  let last = row;
  while (last.nextElementSibling?.classList.contains('thread-row')) last = last.nextElementSibling;
  return last;
}

function markChosen(lastRow, before) {
  let row = lastRow;
  for (let left = before + 1; row !== null && left > 0; row = row.previousElementSibling) {
    if (row.querySelector('.line-number a') === null) continue;
    row.classList.add('chosen');
    left -= 1;
  }
}

function closeForm() {
  for (const row of document.querySelectorAll('.diff tr.chosen')) row.classList.remove('chosen');
  const form = document.querySelector('.thread-row #comment-form');
  form?.closest('tr').remove();
  start?.row.querySelector('.line-number a')?.focus({ preventScroll: true });
}

const underWay = new WeakSet();

async function send(form, submitter, enhance) {
  if (underWay.has(form)) return;
  underWay.add(form);
  try {
    const response = await fetch(form.action, {
      method: 'POST',
      body: new URLSearchParams(new FormData(form, submitter)),
      // Refusals come as JSON, whose sentence stands below the field.
      headers: { 'x-fragment': '1', accept: 'application/json' },
    });
    const text = await response.text();
    if (response.ok) showThread(form, text, enhance);
    else showError(form, sentenceOf(text));
  } catch {
    showError(form, 'The forge does not answer. What you wrote is still here; try again.');
  } finally {
    underWay.delete(form);
  }
}

function showThread(form, html, enhance) {
  const nodes = parse(html);
  const thread = form.closest('section.thread');
  const isOnPage = form.closest('.thread-row') !== null || thread !== null;
  if (!isOnPage) {
    location.assign(form.querySelector('[data-talk-cancel]')?.href ?? location.href);
    return;
  }
  for (const row of document.querySelectorAll('.diff tr.chosen')) row.classList.remove('chosen');
  const old = thread ?? form;
  const parent = old.parentElement;
  if (nodes.length === 0) (old.closest('.thread-row') ?? old).remove();
  else old.replaceWith(...nodes);
  start = undefined;
  if (parent.isConnected) enhance(parent);
  nodes[0]?.querySelector('summary, button')?.focus({ preventScroll: true });
}

function sentenceOf(answer) {
  try {
    return JSON.parse(answer).error.message;
  } catch {
    return 'The forge could not take this. Try again.';
  }
}

function showError(form, sentence) {
  const place = form.querySelector('.form-error');
  if (place === null) {
    form.submit();
    return;
  }
  place.textContent = sentence;
  place.hidden = false;
}

const parse = (html) => [...new DOMParser().parseFromString(html, 'text/html').body.children];
