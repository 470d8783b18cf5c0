// The tree of changed files: a field that narrows it while a name is typed, whose Enter goes to the first one left. What
// is beyond the first files comes from the end of the page when the reader scrolls the tree there or looks for a name.

// A frame styles and lays out so many without being late.
const rowsPerFrame = 100;

export function startTree() {
  const field = document.querySelector('[data-tree-find]');
  const tree = document.querySelector('[data-tree]');
  if (field === null || tree === null) return;
  const words = () => field.value.trim().toLowerCase();
  const rest = startRest(tree, words);
  field.parentElement.hidden = false;
  let narrowed;
  field.addEventListener('focus', () => void rest.takeAll());
  field.addEventListener('input', () => (narrowed = narrow(tree, words)));
  field.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') clear(field);
    if (event.key !== 'Enter') return;
    event.preventDefault();
    void rest
      .takeAll()
      .then(() => narrowed)
      .then(() => goToFirst(field, tree));
  });
  tree.addEventListener('click', (event) => {
    // The rest comes by itself where this link is seen.
    if (event.target.closest('[data-tree-more]') !== null) event.preventDefault();
    else if (event.target.closest('a') !== null) hidePopover();
  });
}

function goToFirst(field, tree) {
  const first = [...tree.querySelectorAll('a.tree-row')].find((row) => row.checkVisibility());
  clear(field);
  first?.click();
  document.getElementById(first?.hash.slice(1) ?? '')?.focus({ preventScroll: true });
}

function hidePopover() {
  const files = document.getElementById('files');
  if (files.matches(':popover-open')) files.hidePopover();
}

/** Brings the rest of the tree to where its mark is, a few rows in each frame. */
function startRest(tree, words) {
  const box = document.querySelector('[data-tree-rest]');
  const mark = tree.querySelector('[data-tree-more]');
  if (box === null || mark === null) return { takeAll: () => Promise.resolve() };
  box.hidden = true;
  const list = box.querySelector('.tree');
  const take = () => {
    for (let rows = 0; rows < rowsPerFrame && list.firstElementChild !== null;) {
      const taken = takeEntry(list.firstElementChild, mark);
      if (words() !== '') narrowRows(taken, words());
      rows += taken.rows.length;
    }
    if (list.firstElementChild === null) mark.remove();
  };
  const observer = new IntersectionObserver(
    ([{ isIntersecting }]) => {
      if (!isIntersecting) return;
      take();
      observer.unobserve(mark);
      if (mark.isConnected) observer.observe(mark);
    },
    { root: document.getElementById('files'), rootMargin: '1000px' },
  );
  observer.observe(mark);
  let all;
  const takeAll = async () => {
    for (; mark.isConnected; await nextFrame()) take();
  };
  return { takeAll: () => (all ??= takeAll()) };
}

/** A folder comes with its first list, and its further lists, one by one, below that. */
function takeEntry(entry, mark) {
  const [list, ...others] = entry.querySelectorAll(':scope > ul');
  list?.classList.add('brought');
  const begun = mark.previousElementSibling;
  if ('continued' in entry.dataset) {
    begun.append(list);
    if (others.length === 0) entry.remove();
    return { entry: begun, rows: list.children };
  }
  if (others.length === 0) {
    mark.before(entry);
    return { entry, rows: list?.children ?? [entry] };
  }
  const folder = entry.cloneNode(false);
  folder.append(entry.querySelector('.folder').cloneNode(true), list);
  mark.before(folder);
  entry.dataset.continued = '';
  return { entry: folder, rows: list.children };
}

const nextFrame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));

/** Shows the rows that have the words in their names; a few in each frame, because one that comes back is laid out anew. */
async function narrow(tree, words) {
  const wanted = words();
  let changed = 0;
  for (const entry of tree.querySelectorAll('ul.tree > li')) {
    const lists = [...entry.querySelectorAll(':scope > ul')].map(({ children }) => children);
    for (const rows of lists.length > 0 ? lists : [[entry]]) {
      changed += narrowRows({ entry, rows }, wanted);
      if (changed < rowsPerFrame) continue;
      changed = 0;
      await nextFrame();
      // What was typed in between has begun anew.
      if (words() !== wanted) return;
    }
  }
}

/** Answers how many of the rows changed. */
function narrowRows({ entry, rows }, words) {
  const folder = entry.querySelector('.folder .name')?.textContent ?? '';
  let changed = 0;
  for (const row of rows) {
    const name = row.querySelector('a .name')?.textContent ?? '';
    const isLeft = `${folder}/${name}`.toLowerCase().includes(words);
    if (row.hidden === isLeft) changed += 1;
    row.hidden = !isLeft;
  }
  if (rows[0] !== entry) entry.hidden = entry.querySelector('li:not([hidden])') === null;
  return changed;
}

function clear(field) {
  field.value = '';
  field.dispatchEvent(new Event('input'));
  field.blur();
}
