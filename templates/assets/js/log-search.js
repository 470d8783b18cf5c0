// Search in a log: the forge looks through all of it and answers the lines; Enter leads from one to the next.

export function startLogSearch(view, goTo) {
  const { panel, box } = view;
  const form = panel.querySelector('[data-log-search]');
  const input = form.querySelector('input[type=search]');
  const place = panel.querySelector('[data-log-hits]');
  let shown = input.value;
  const links = () => [...place.querySelectorAll('[data-log-line]')];

  const choose = async (link) => {
    if (link === undefined) return;
    for (const other of links()) other.removeAttribute('aria-current');
    link.setAttribute('aria-current', 'true');
    link.scrollIntoView({ block: 'nearest', behavior: 'instant' });
    await goTo(Number(link.dataset.logLine));
    for (const row of box.querySelectorAll('.found')) row.classList.remove('found');
    box.querySelector(`#L${link.dataset.logLine}`)?.classList.add('found');
  };
  const step = (by) => {
    const all = links();
    const current = all.findIndex((link) => link.hasAttribute('aria-current'));
    return choose(all[(current + by + all.length) % all.length]);
  };
  const search = async (address) => {
    form.setAttribute('aria-busy', 'true');
    const response = await fetch(address);
    form.removeAttribute('aria-busy');
    const text = await response.text();
    const found = new DOMParser().parseFromString(text, 'text/html').body;
    if (response.ok) place.replaceChildren(...found.childNodes);
    else place.textContent = 'The log could not be searched just now; try again in a few seconds.';
    for (const steps of place.querySelectorAll('[data-log-steps]')) steps.hidden = links().length < 2;
    highlight();
    await choose(links()[0]);
  };
  const highlight = () => highlightText(box, shown);
  view.changed.push(highlight);

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const q = input.value;
    if (q.trim() === '') {
      shown = '';
      place.replaceChildren();
      highlight();
    } else if (q === shown && links().length > 0) void step(1);
    else {
      shown = q;
      void search(`${form.dataset.logSearch}&q=${encodeURIComponent(q)}`);
    }
  });
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && event.shiftKey && input.value === shown && links().length > 0) {
      event.preventDefault();
      void step(-1);
    }
    if (event.key === 'Escape') box.focus();
  });
  place.addEventListener('click', (event) => {
    const target = event.target.closest('a, button');
    if (target === null || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (target.dataset.logLine !== undefined) void choose(target);
    else if (target.dataset.logStep !== undefined) void step(Number(target.dataset.logStep));
    else if (target.dataset.logMore !== undefined) {
      const { searchParams } = new URL(target.href);
      const at = `&q=${encodeURIComponent(shown)}&at=${searchParams.get('at')}`;
      void search(form.dataset.logSearch + at);
    } else if (target.dataset.logClose !== undefined) {
      input.value = '';
      form.requestSubmit();
    }
  });
  for (const steps of place.querySelectorAll('[data-log-steps]')) steps.hidden = links().length < 2;
  highlight();
  if (location.hash === '') void choose(links()[0]);
}

/** Marks the text in the rows that are in the page, where the browser can without touching them. */
function highlightText(box, text) {
  if (CSS.highlights === undefined) return;
  CSS.highlights.delete('log-hit');
  const wanted = text.toLowerCase();
  if (wanted.trim() === '') return;
  const ranges = [];
  const walker = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    if (node.parentElement.closest('.log-line > span') === null) continue;
    const shown = node.data.toLowerCase();
    for (let at = shown.indexOf(wanted); at >= 0; at = shown.indexOf(wanted, at + wanted.length)) {
      const range = new Range();
      range.setStart(node, at);
      range.setEnd(node, Math.min(node.length, at + wanted.length));
      ranges.push(range);
    }
  }
  CSS.highlights.set('log-hit', new Highlight(...ranges));
}
