// Lines to link to: a click on a number names the line in the address, a click with Shift all lines up to it.

export function startLines() {
  if (document.querySelector('[data-lines]') === null) return;
  show(true);
  addEventListener('hashchange', () => show(false));
  // The lines with their colours have taken the place of those without.
  document.addEventListener('pika:filled', () => show(false));
  document.addEventListener('click', (event) => {
    const link = event.target.closest('[data-lines] .line-number a');
    if (link === null) return;
    const [first] = rangeOf(location.hash);
    if (!event.shiftKey || first === 0) return;
    event.preventDefault();
    const line = Number(link.textContent);
    const [from, to] = line < first ? [line, first] : [first, line];
    history.replaceState(null, '', from === to ? `#L${from}` : `#L${from}-L${to}`);
    show(false);
  });
}

/** `#L10-L20` as two numbers; zeros when the address names no lines. */
function rangeOf(hash) {
  const match = /^#L(\d+)(?:-L?(\d+))?$/.exec(hash);
  if (match === null) return [0, 0];
  const from = Number(match[1]);
  const to = Number(match[2] ?? match[1]);
  return from <= to ? [from, to] : [to, from];
}

function show(isArriving) {
  for (const row of document.querySelectorAll('[data-lines] .chosen')) row.classList.remove('chosen');
  const [from, to] = rangeOf(location.hash);
  const first = document.getElementById(`L${from}`);
  if (first === null) return;
  for (let line = from; line <= to; line += 1) {
    const row = document.getElementById(`L${line}`);
    if (row === null) break;
    row.classList.add('chosen');
  }
  // The browser knows the name of one line only.
  if (isArriving && from !== to) first.scrollIntoView({ block: 'center', behavior: 'instant' });
}
