// Lines that a difference leaves out, shown where they belong. Without this, the links lead to the whole file.

export function startContext() {
  document.addEventListener('click', (event) => {
    const link = event.target.closest('.expand');
    if (link === null || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    void expand(link);
  });
}

/** The key x: the gap above the hunk that has the focus or the pointer, else the first one of its file. */
export function expandHere() {
  const here =
    document.activeElement?.closest('.diff tr, .file-diff') ?? document.querySelector('.diff tr:hover');
  const file = here?.closest('.file-diff');
  if (file === null || file === undefined) return false;
  const row = here.matches('tr.hunk') ? here : undefined;
  const link = (row ?? file).querySelector('.expand[data-part="all"]') ?? file.querySelector('.expand');
  link?.click();
  return link !== null;
}

async function expand(link) {
  const gap = link.closest('[data-gap]');
  const bar = link.closest('tr');
  // What is under way is not begun again.
  if (gap === null || gap.dataset.loading === 'true') return;
  gap.dataset.loading = 'true';
  const table = bar.closest('table');
  const sides = table.classList.contains('split') ? 2 : 1;
  const answer = await fetch(`${gap.dataset.gap}&which=${link.dataset.part}&sides=${sides}`).catch(
    () => undefined,
  );
  if (!answer?.ok) {
    location.assign(link.href);
    return;
  }
  const next = new DOMParser().parseFromString(await answer.text(), 'text/html').body;
  const rows = (place) => [...(next.querySelector(`[data-place="${place}"]`)?.rows ?? [])];
  const above = rows('above');
  const below = rows('below');
  for (const row of [...above, ...below]) addCommentLinks(row, table);
  const hadFocus = gap.contains(document.activeElement);
  bar.before(...above);
  bar.after(...below);
  const left = next.querySelector('.expanders');
  if (left === null) gap.remove();
  else gap.replaceWith(left);
  if (bar.classList.contains('tail') && left === null) bar.remove();
  if (hadFocus)
    (left?.querySelector('.expand') ?? focusable(above[0] ?? bar))?.focus({ preventScroll: true });
}

function focusable(row) {
  row.tabIndex = -1;
  return row;
}

/** Whoever may comment on the lines of the difference may comment on these. */
function addCommentLinks(row, table) {
  const base = table
    .closest('.file-diff')
    ?.querySelector('.file-comment')
    ?.href.replace(/:file$/, '');
  const cell = row.querySelector('.line-number.new');
  if (base === undefined || cell === null) return;
  const link = document.createElement('a');
  link.href = `${base}:new:${cell.textContent}`;
  link.tabIndex = -1;
  link.textContent = cell.textContent;
  cell.replaceChildren(link);
}
