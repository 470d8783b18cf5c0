// The boxes that mark files as viewed: without a new page, and with the key v, which goes on to the next file.

export function startViewed() {
  document.addEventListener('submit', (event) => {
    if (event.target.dataset.viewedForm !== '') return;
    event.preventDefault();
    void send(event.target);
  });
}

/** The key v: the file that has the focus, or that is at the top of the window, is viewed; then the next that is not. */
export function viewedAndNext() {
  const files = [...document.querySelectorAll('.file-diff:has([data-viewed-form])')];
  const file = files.find((each) => each.contains(document.activeElement)) ?? files.find(isInView);
  if (file === undefined) return false;
  const form = file.querySelector('[data-viewed-form]');
  if (!isViewed(file)) void send(form);
  const next = files.slice(files.indexOf(file) + 1).find((each) => !isViewed(each));
  next?.focus({ preventScroll: true });
  next?.scrollIntoView({ block: 'start', behavior: 'instant' });
  return true;
}

const isInView = (file) => file.getBoundingClientRect().bottom > 120;
const boxOf = (file) => file.querySelector('.viewed-box');
const isViewed = (file) => boxOf(file).getAttribute('aria-checked') === 'true';

async function send(form) {
  const file = form.closest('.file-diff');
  const box = boxOf(file);
  if (form.dataset.sending === 'true') return;
  form.dataset.sending = 'true';
  // It is shown at once, and taken back when the forge does not take it.
  const before = isViewed(file);
  const body = new URLSearchParams(new FormData(form, box));
  show(file, !before);
  try {
    const headers = { 'x-fragment': '1', accept: 'application/json' };
    const response = await fetch(form.action, { method: 'POST', body, headers });
    if (!response.ok) throw new Error(await response.text());
    count(await response.json());
  } catch {
    show(file, before);
  } finally {
    delete form.dataset.sending;
  }
}

function show(file, viewed) {
  const box = boxOf(file);
  box.setAttribute('aria-checked', String(viewed));
  box.value = viewed ? '0' : '1';
  box.querySelector('.viewed-mark').classList.toggle('not', !viewed);
  file.querySelector(':scope > details').toggleAttribute('open', !viewed);
  const row = document.querySelector(`a.tree-row[href="#${CSS.escape(file.id)}"]`);
  row?.classList.toggle('viewed', viewed);
  const mark = row?.querySelector('[data-viewed-mark]');
  mark?.classList.toggle('not', !viewed);
  // The ring of a file that is not viewed is empty: thousands of icons that nobody sees take their time.
  if (mark?.childElementCount === 0)
    mark.append(box.querySelector('.icon').cloneNode(true), spoken('viewed'));
}

function spoken(word) {
  const element = document.createElement('span');
  element.className = 'visually-hidden';
  element.textContent = word;
  return element;
}

function count({ viewed, total }) {
  const text = document.querySelector('[data-viewed-count]');
  if (text === null) return;
  text.textContent = `${viewed} of ${total}`;
  const bar = text.parentElement.querySelector('progress');
  bar.max = total;
  bar.value = viewed;
}
