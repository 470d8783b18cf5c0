// Finds files while their names are typed. Without it, the form is sent and answers the same.

const typingMs = 120;

export function startFinder(enhance) {
  const form = document.querySelector('[data-finder]');
  const field = form?.querySelector('input[type=search]');
  const found = document.getElementById('found');
  if (!field || found === null) return;
  let timer;
  let asked = 0;
  field.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(() => void search(), typingMs);
  });
  field.addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowDown') return;
    found.querySelector('a')?.focus();
    event.preventDefault();
  });
  found.addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    const links = [...found.querySelectorAll('a')];
    const next = links.indexOf(document.activeElement) + (event.key === 'ArrowDown' ? 1 : -1);
    (next < 0 ? field : links[next])?.focus();
    event.preventDefault();
  });
  const search = async () => {
    asked += 1;
    const turn = asked;
    const address = `${form.dataset.finder}&q=${encodeURIComponent(field.value)}`;
    const response = await fetch(address).catch(() => undefined);
    // A slower answer to what was typed before comes too late.
    if (!response?.ok || turn !== asked) return;
    const next = new DOMParser().parseFromString(await response.text(), 'text/html').body;
    found.replaceChildren(...next.childNodes);
    enhance(found);
  };
}
