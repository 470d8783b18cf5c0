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
  field.addEventListener('focus', () => void rest.takeAll());
  field.addEventListener('input', () => narrow(tree, words()));
  field.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') clear(field, tree);
    if (event.key !== 'Enter') return;
    event.preventDefault();
    void rest.takeAll().then(() => goToFirst(field, tree));
  });
  tree.addEventListener('click', (event) => {
    // The rest comes by itself where this link is seen.
    if (event.target.closest('[data-tree-more]') !== null) event.preventDefault();
    else if (event.target.closest('a') !== null) hidePopover();
  });
}

function goToFirst(field, tree) {
  const first = [...tree.querySelectorAll('a.tree-row')].find((row) => row.checkVisibility());
  clear(field, tree);
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
      const { entry, count } = takeEntry(list.firstElementChild, mark);
      if (words() !== '') narrowEntry(entry, words());
      rows += count;
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
    return { entry: begun, count: list.childElementCount };
  }
  if (others.length === 0) {
    mark.before(entry);
    return { entry, count: list?.childElementCount ?? 1 };
  }
  const folder = entry.cloneNode(false);
  folder.append(entry.querySelector('.folder').cloneNode(true), list);
  mark.before(folder);
  entry.dataset.continued = '';
  return { entry: folder, count: list.childElementCount };
}

const nextFrame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));

function narrow(tree, words) {
  for (const entry of tree.querySelectorAll('ul.tree > li')) narrowEntry(entry, words);
}

function narrowEntry(entry, words) {
  const folder = entry.querySelector('.folder .name')?.textContent ?? '';
  const files = entry.querySelectorAll('ul > li');
  let left = 0;
  for (const file of files.length > 0 ? files : [entry]) {
    const name = file.querySelector('a .name')?.textContent ?? '';
    file.hidden = !`${folder}/${name}`.toLowerCase().includes(words);
    if (!file.hidden) left += 1;
  }
  entry.hidden = left === 0;
}

function clear(field, tree) {
  field.value = '';
  narrow(tree, '');
  field.blur();
}
