// Relative times grow older while the page stays open; running durations tick.
const seconds = 1000;

function ago(at) {
  const elapsed = Math.max(0, Date.now() - at);
  if (elapsed < 10 * seconds) return 'just now';
  if (elapsed < 60 * seconds) return `${Math.floor(elapsed / seconds)} s ago`;
  if (elapsed < 3600 * seconds) return `${Math.floor(elapsed / 60 / seconds)} min ago`;
  if (elapsed < 86_400 * seconds) return `${Math.floor(elapsed / 3600 / seconds)} h ago`;
  if (elapsed < 60 * 86_400 * seconds) return `${Math.floor(elapsed / 86_400 / seconds)} d ago`;
  return new Date(at).toISOString().slice(0, 10);
}

function duration(milliseconds) {
  const total = Math.max(0, Math.round(milliseconds / seconds));
  const two = (value) => String(value).padStart(2, '0');
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor(total / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(total % 60)}` : `${minutes}:${two(total % 60)}`;
}

function refresh(root) {
  for (const element of root.querySelectorAll('time[datetime]'))
    element.textContent = ago(Date.parse(element.dateTime));
  for (const element of root.querySelectorAll('[data-running-since]')) {
    element.textContent = duration(Date.now() - Number(element.dataset.runningSince));
  }
}

let timer;

export function startTimes(root) {
  refresh(root);
  timer ??= setInterval(() => {
    if (!document.hidden) refresh(document);
  }, seconds);
}
