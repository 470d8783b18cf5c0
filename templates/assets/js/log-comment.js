// The form for a comment on a lane's log: it begins with the lines that are chosen in the address.
import { rangeOf } from './log.js';

export function startLogComments() {
  const box = document.querySelector('[data-log-comment]');
  if (box === null) return;
  const { firstLine, line, body } = box.querySelector('form').elements;
  const fill = () => {
    const [from, to] = rangeOf(location.hash);
    if (from === 0) return;
    firstLine.value = from === to ? '' : from;
    line.value = to;
  };
  box.addEventListener('toggle', () => {
    if (!box.open) return;
    fill();
    body.focus();
  });
  // The line may be chosen while the form stands open.
  document.querySelector('[data-log]')?.addEventListener('click', () => setTimeout(fill));
}
