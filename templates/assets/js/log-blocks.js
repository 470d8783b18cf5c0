// The part of a log that a page holds: blocks of lines one after the other, fetched at either end as the reader comes
// near it and let go at the other, so that a log of millions of lines costs no more than a few thousand.

const maxBlocks = 8;
const rowsOfBlock = 500;
const nearPixels = 1000;

export class LogBlocks {
  #box;
  #changed;
  /** One thing at a time; what was asked for before a jump is given up. */
  #last = Promise.resolve();
  #turn = 0;

  /** `changed` is called with every part that is put into the page. */
  constructor(box, changed) {
    this.#box = box;
    this.#changed = changed;
    this.lines = Number(box.dataset.logLines);
    this.isEnded = box.dataset.logEnded === 'true';
    /** Bytes; known when a part has come. */
    this.size = undefined;
    this.open = box.dataset.logOpen;
    this.isSticky = () => false;
    let isAwaited = false;
    box.addEventListener('scroll', () => {
      if (isAwaited) return;
      isAwaited = true;
      requestAnimationFrame(() => {
        isAwaited = false;
        this.fill();
      });
    });
    box.addEventListener('click', (event) => {
      const edge = event.target.closest('[data-log-edge]');
      if (edge === null) return;
      event.preventDefault();
      void (edge.dataset.logEdge === 'up' ? this.up() : this.down());
    });
  }

  get blocks() {
    return [...this.#box.querySelectorAll(':scope > .log-block')];
  }

  get first() {
    return Number(this.blocks[0]?.dataset.logFirst ?? 1);
  }

  get next() {
    return Number(this.blocks.at(-1)?.dataset.logNext ?? 1);
  }

  get isNearEnd() {
    const { scrollTop, scrollHeight, clientHeight } = this.#box;
    return scrollHeight - scrollTop - clientHeight < nearPixels;
  }

  /** Fetches what the reader is about to see. */
  fill() {
    if (this.isNearEnd && this.next <= this.lines) void this.down();
    else if (this.#box.scrollTop < nearPixels && this.first > 1) void this.up();
  }

  get isAtEnd() {
    const { scrollTop, scrollHeight, clientHeight } = this.#box;
    return scrollHeight - scrollTop - clientHeight < 40;
  }

  /**
   * The lines after the last; also those that were printed in the meantime. Who is at the end stays there when `isSticky`
   * says so; whether it was so is looked at in the moment before the lines are added, so that no scroll is undone.
   */
  down() {
    return this.#inTurn(async (isGivenUp) => {
      const part = await this.#fetch(`from=${this.next}`);
      if (part === undefined || isGivenUp()) return;
      // The attempt was queued again: another claim writes its log from the beginning.
      if (this.lines < this.next - 1) void this.jump('from=1');
      if (part.next <= this.next) return;
      const isStuck = this.isSticky() && this.isAtEnd;
      const last = this.blocks.at(-1);
      if (last !== undefined && part.next - Number(last.dataset.logFirst) <= rowsOfBlock) {
        last.append(...part.block.childNodes);
        last.dataset.logNext = String(part.next);
        this.#changed(last);
      } else {
        this.#box.insertBefore(part.block, this.#box.querySelector('[data-log-edge=down]'));
        this.#changed(part.block);
      }
      while (this.blocks.length > maxBlocks) this.#dropFirst();
      this.#showEdges();
      if (isStuck) this.#box.scrollTop = this.#box.scrollHeight;
      queueMicrotask(() => this.fill());
    });
  }

  /** Learns how long the log is by now, without showing more of it. */
  look() {
    return this.#inTurn(async () => {
      const response = await fetch(`${this.#box.dataset.log}&from=1&max=1`);
      if (response.ok) this.#learn(response.headers);
      this.#showEdges();
    });
  }

  /** The lines before the first; what is being read stays where it is. */
  up() {
    return this.#inTurn(async (isGivenUp) => {
      const first = this.blocks[0];
      const part = await this.#fetch(`before=${this.first}`);
      if (part === undefined || isGivenUp() || part.first >= this.first) return;
      const before = first.offsetTop;
      this.#box.insertBefore(part.block, first);
      this.#changed(part.block);
      while (this.blocks.length > maxBlocks) this.blocks.at(-1).remove();
      this.#showEdges();
      this.#box.scrollTop += first.offsetTop - before;
    });
  }

  /** Puts the lines around another one in the place of those that are shown: `line=N`, `from=N` or `before=N`. */
  jump(query, open = this.open) {
    this.#turn += 1;
    this.open = open;
    return this.#inTurn(async (isGivenUp) => {
      const part = await this.#fetch(query);
      if (part === undefined || isGivenUp()) return;
      for (const block of this.blocks) block.remove();
      this.#box.insertBefore(part.block, this.#box.querySelector('[data-log-edge=down]'));
      this.#changed(part.block);
      this.#showEdges();
    });
  }

  /** The lines of a fold; they are put in the place of `place`, which offers them. */
  async unfold(place) {
    place.setAttribute('aria-busy', 'true');
    const to = Number(place.dataset.logTo);
    const part = await this.#fetch(`from=${place.dataset.logFrom}&max=${to}`);
    place.removeAttribute('aria-busy');
    if (part === undefined) return;
    place.before(part.block);
    this.#changed(part.block);
    if (part.next > to) place.remove();
    else {
      place.dataset.logFrom = String(part.next);
      const link = place.querySelector('a');
      link.href = link.href.replace(/&line=.*$/, `&line=${part.next}#L${part.next}`);
      link.textContent = `Show ${Math.min(rowsOfBlock, to - part.next + 1).toLocaleString('en')} more of ${(to - part.next + 1).toLocaleString('en')} lines`;
    }
  }

  #inTurn(act) {
    const turn = this.#turn;
    const isGivenUp = () => turn !== this.#turn;
    this.#last = this.#last.then(() => (isGivenUp() ? undefined : act(isGivenUp))).catch(() => undefined);
    return this.#last;
  }

  async #fetch(query) {
    const open = this.open === '' || query.includes('max=') ? '' : `&open=${this.open}`;
    const response = await fetch(`${this.#box.dataset.log}&${query}${open}`).catch(() => undefined);
    if (!response?.ok) return undefined;
    const number = (name) => Number(response.headers.get(`x-log-${name}`));
    const block = document.createElement('div');
    block.className = 'log-block';
    block.dataset.logFirst = String(number('first'));
    block.dataset.logNext = String(number('next'));
    block.append(...new DOMParser().parseFromString(await response.text(), 'text/html').body.childNodes);
    if (!query.includes('max=')) {
      this.#learn(response.headers);
      this.isEnded = response.headers.get('x-log-ended') === 'true';
    }
    return { block, first: number('first'), next: number('next') };
  }

  #learn(headers) {
    this.lines = Number(headers.get('x-log-lines'));
    this.size = Number(headers.get('x-log-size'));
  }

  #dropFirst() {
    const [first, second] = this.blocks;
    const before = second.offsetTop;
    first.remove();
    this.#box.scrollTop -= before - second.offsetTop;
  }

  /** What lies beyond either end, as a link that works without waiting for a scroll. */
  #showEdges() {
    this.#showEdge(
      'up',
      this.first - 1,
      `Earlier: ${(this.first - 1).toLocaleString('en')} more lines above`,
    );
    const below = this.lines - this.next + 1;
    this.#showEdge('down', below, `Later: ${below.toLocaleString('en')} more lines below`);
  }

  #showEdge(side, count, text) {
    const shown = this.#box.querySelector(`[data-log-edge=${side}]`);
    if (count <= 0) {
      shown?.remove();
      return;
    }
    const edge = shown ?? document.createElement('a');
    edge.className = 'log-edge';
    edge.dataset.logEdge = side;
    edge.href = '#log-h';
    edge.textContent = text;
    if (shown === null) this.#box[side === 'up' ? 'prepend' : 'append'](edge);
  }
}
