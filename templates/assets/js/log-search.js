// Search in a log: the forge looks through all of it and answers the lines; Enter leads from one to the next.

/** `goTo` shows a line of the log. */
export function startLogSearch(view, goTo) {
  const search = new LogSearch(view, goTo);
  search.listen();
  search.arrive();
}

class LogSearch {
  #box;
  #form;
  #input;
  #place;
  #goTo;
  #shown;

  constructor({ panel, box, changed }, goTo) {
    this.#box = box;
    this.#form = panel.querySelector('[data-log-search]');
    this.#input = this.#form.querySelector('input[type=search]');
    this.#place = panel.querySelector('[data-log-hits]');
    this.#goTo = goTo;
    this.#shown = this.#input.value;
    changed.push(() => highlightText(box, this.#shown));
  }

  get #links() {
    return [...this.#place.querySelectorAll('[data-log-line]')];
  }

  listen() {
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      const q = this.#input.value;
      if (q.trim() === '') this.#close();
      else if (q === this.#shown && this.#links.length > 0) void this.#step(1);
      else {
        this.#shown = q;
        void this.#search();
      }
    });
    this.#input.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.#box.focus();
      if (event.key !== 'Enter' || !event.shiftKey || this.#input.value !== this.#shown) return;
      event.preventDefault();
      void this.#step(-1);
    });
    this.#place.addEventListener('click', (event) => this.#act(event));
  }

  /** A page that was asked for with a search shows its first hit, unless its address names a line. */
  arrive() {
    this.#showSteps();
    highlightText(this.#box, this.#shown);
    if (location.hash === '') void this.#choose(this.#links[0]);
  }

  #act(event) {
    const target = event.target.closest('a, button');
    if (target === null || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (target.dataset.logLine !== undefined) void this.#choose(target);
    else if (target.dataset.logStep !== undefined) void this.#step(Number(target.dataset.logStep));
    else if (target.dataset.logMore !== undefined)
      void this.#search(`&at=${new URL(target.href).searchParams.get('at')}`);
    else if (target.dataset.logClose !== undefined) this.#close();
  }

  async #search(from = '') {
    this.#form.setAttribute('aria-busy', 'true');
    const q = encodeURIComponent(this.#shown);
    const address = `${this.#form.dataset.logSearch}&q=${q}${from}`;
    const response = await fetch(address).catch(() => undefined);
    const html = response?.ok ? await response.text().catch(() => undefined) : undefined;
    this.#form.removeAttribute('aria-busy');
    if (html !== undefined)
      this.#place.replaceChildren(...new DOMParser().parseFromString(html, 'text/html').body.childNodes);
    else this.#place.textContent = 'The log could not be searched just now; try again in a few seconds.';
    this.#showSteps();
    highlightText(this.#box, this.#shown);
    await this.#choose(this.#links[0]);
  }

  #step(by) {
    const links = this.#links;
    const current = links.findIndex((link) => link.hasAttribute('aria-current'));
    return this.#choose(links[(current + by + links.length) % links.length]);
  }

  async #choose(link) {
    if (link === undefined) return;
    for (const other of this.#links) other.removeAttribute('aria-current');
    link.setAttribute('aria-current', 'true');
    link.scrollIntoView({ block: 'nearest', behavior: 'instant' });
    await this.#goTo(Number(link.dataset.logLine));
    for (const row of this.#box.querySelectorAll('.found')) row.classList.remove('found');
    this.#box.querySelector(`#L${link.dataset.logLine}`)?.classList.add('found');
  }

  #showSteps() {
    for (const steps of this.#place.querySelectorAll('[data-log-steps]'))
      steps.hidden = this.#links.length < 2;
  }

  #close() {
    this.#input.value = '';
    this.#shown = '';
    this.#place.replaceChildren();
    for (const row of this.#box.querySelectorAll('.found')) row.classList.remove('found');
    highlightText(this.#box, '');
  }
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
