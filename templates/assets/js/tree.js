// The tree of changed files: a field that narrows it while a name is typed, whose Enter goes to the first one left.

export function startTree() {
  const field = document.querySelector('[data-tree-find]');
  const tree = document.querySelector('[data-tree]');
  if (field === null || tree === null) return;
  field.parentElement.hidden = false;
  field.addEventListener('input', () => narrow(tree, field.value.trim().toLowerCase()));
  field.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') clear(field, tree);
    if (event.key !== 'Enter') return;
    event.preventDefault();
    const first = [...tree.querySelectorAll('a.tree-row')].find((row) => row.checkVisibility());
    clear(field, tree);
    first?.click();
    document.getElementById(first?.hash.slice(1) ?? '')?.focus({ preventScroll: true });
  });
  tree.addEventListener('click', (event) => {
    const files = document.getElementById('files');
    if (event.target.closest('a') !== null && files.matches(':popover-open')) files.hidePopover();
  });
}

function narrow(tree, words) {
  for (const entry of tree.querySelectorAll('ul.tree > li')) {
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
}

function clear(field, tree) {
  field.value = '';
  narrow(tree, '');
  field.blur();
}
