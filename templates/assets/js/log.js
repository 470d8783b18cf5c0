// The log of a lane: it scrolls in a box of its own and loads what the reader comes to, follows a running lane, leads
// to lines, and unfolds what is folded. Search is in log-search.js.
import { LogBlocks } from './log-blocks.js';
import { startLogSearch } from './log-search.js';

export function startLogs() {
  for (const panel of document.querySelectorAll('[data-log-panel]')) start(panel);
}

function start(panel) {
  const box = panel.querySelector('[data-log]');
  box.classList.add('boxed');
  const view = { panel, box, changed: [] };
  view.blocks = new LogBlocks(box, (block) => {
    for (const tell of view.changed) tell(block);
  });
  view.changed.push(
    () => showWhere(view),
    () => markLines(view),
  );
  startFolds(view);
  startLines(view);
  startFollowing(view);
  startSwitches(view);
  startPosition(view);
  startLogSearch(view, (line) => goTo(view, line));
  void arrive(view);
}

/** Where the page begins to be read: at the line that the address names, else at the end of what failed or runs. */
async function arrive(view) {
  const { box } = view;
  const [line] = rangeOf(location.hash);
  if (line > 0) {
    await goTo(view, line);
    markLines(view);
    view.panel.scrollIntoView({ block: 'nearest', behavior: 'instant' });
  } else if (view.blocks.next > view.blocks.lines) box.scrollTop = box.scrollHeight;
  view.blocks.fill();
  showWhere(view);
}

/** Shows a line, fetched with its neighbours when it is not in the page; opens the fold that holds it. */
async function goTo(view, line) {
  if (rowOf(view, line) === null) await view.blocks.jump(`line=${line}`, String(line));
  const row = rowOf(view, line) ?? nearestRow(view, line);
  if (row === undefined) return;
  for (let fold = row.closest('details'); fold !== null; fold = fold.parentElement.closest('details'))
    if (fold.querySelector(':scope > summary') !== row) fold.open = true;
  const box = view.box.getBoundingClientRect();
  view.box.scrollTop += row.getBoundingClientRect().top - box.top - box.height / 3;
}

const rowOf = ({ box }, line) => box.querySelector(`#L${line}`);
/** The line that ends a group is not shown; the one before it stands for it. */
const nearestRow = ({ box }, line) =>
  [...box.querySelectorAll('.log-line')].findLast((row) => Number(row.id.slice(1)) <= line);

function startFolds({ box, blocks }) {
  box.addEventListener(
    'toggle',
    (event) => {
      const place = event.target.open ? event.target.querySelector(':scope > .log-lazy') : null;
      if (place !== null && event.target.querySelector(':scope > .log-block') === null)
        void blocks.unfold(place);
    },
    true,
  );
  box.addEventListener('click', (event) => {
    const link = event.target.closest('.log-lazy a');
    if (link === null) return;
    event.preventDefault();
    void blocks.unfold(link.parentElement);
  });
}

/** `#L10-L20` as two numbers; zeros when the address names no lines. */
export function rangeOf(hash) {
  const match = /^#L(\d+)(?:-L?(\d+))?$/.exec(hash);
  if (match === null) return [0, 0];
  const [from, to] = [Number(match[1]), Number(match[2] ?? match[1])];
  return from <= to ? [from, to] : [to, from];
}

function markLines({ box }) {
  const [from, to] = rangeOf(location.hash);
  for (const row of box.querySelectorAll('.log-line.marked')) row.classList.remove('marked');
  if (from === 0) return;
  for (const row of box.querySelectorAll('.log-line')) {
    const line = Number(row.id.slice(1));
    row.classList.toggle('marked', line >= from && line <= to);
  }
}

/** A click on a number names the line in the address, a click with Shift all lines up to it. */
function startLines(view) {
  view.box.addEventListener('click', (event) => {
    const link = event.target.closest('.log-line > a, .log-line > data');
    if (link === null) return;
    event.preventDefault();
    const line = Number(link.textContent);
    const [first] = rangeOf(location.hash);
    const [from, to] =
      event.shiftKey && first > 0 ? [Math.min(line, first), Math.max(line, first)] : [line, line];
    history.replaceState(null, '', from === to ? `#L${from}` : `#L${from}-L${to}`);
    markLines(view);
  });
  addEventListener('hashchange', () => {
    const [line] = rangeOf(location.hash);
    if (line > 0) void goTo(view, line).then(() => markLines(view));
  });
  const note = view.panel.querySelector('[data-log-note]');
  view.panel.querySelector('[data-log-error]').addEventListener('click', async (event) => {
    event.preventDefault();
    const headers = { accept: 'application/json' };
    const response = await fetch(event.currentTarget.href, { headers }).catch(() => undefined);
    const { line } = response?.ok ? await response.json() : { line: null };
    note.hidden = line !== null;
    if (line === null) {
      note.textContent = response?.ok
        ? 'No line looks like an error; search the log for a word.'
        : 'The log is being searched by others; try again in a few seconds.';
      return;
    }
    history.replaceState(null, '', `#L${line}`);
    await goTo(view, line);
    markLines(view);
    view.box.focus({ preventScroll: true });
  });
}

/** A running lane is followed until the reader scrolls away from the end. */
function startFollowing(view) {
  const { panel, box, blocks } = view;
  const button = panel.querySelector('[data-log-follow]');
  const set = (isFollowing) => button.setAttribute('aria-pressed', String(isFollowing));
  const isFollowing = () => button.getAttribute('aria-pressed') === 'true';
  /** On the way to the end nobody is there yet, which is not to be taken for scrolling away. */
  let isOnTheWay = false;
  const toEnd = async () => {
    isOnTheWay = true;
    if (blocks.next <= blocks.lines) await blocks.jump(`before=${blocks.lines + 1}`);
    box.scrollTop = box.scrollHeight;
    isOnTheWay = false;
  };
  const hasLeft = () => !isOnTheWay && !blocks.isAtEnd;
  const isRunning = box.dataset.logRunning === 'true';
  button.hidden = !isRunning;
  blocks.isSticky = isFollowing;
  set(isRunning && rangeOf(location.hash)[0] === 0);
  let last = box.scrollTop;
  box.addEventListener('scroll', () => {
    if (box.scrollTop < last && hasLeft()) set(false);
    last = box.scrollTop;
  });
  button.addEventListener('click', () => {
    set(!isFollowing());
    if (isFollowing()) void toEnd();
  });
  panel.querySelector('[data-log-end]').addEventListener('click', (event) => {
    event.preventDefault();
    void toEnd();
  });
  panel.querySelector('[data-log-start]').addEventListener('click', async (event) => {
    event.preventDefault();
    set(false);
    if (blocks.first > 1) await blocks.jump('from=1');
    box.scrollTop = 0;
  });
  const more = async () => {
    // The reader may have scrolled away, and the event of it not have come yet.
    if (hasLeft()) set(false);
    if (isFollowing()) {
      await blocks.down();
      if (blocks.next <= blocks.lines && isFollowing()) await toEnd();
    } else if (blocks.isNearEnd && blocks.next > blocks.lines) await blocks.down();
    else await blocks.look();
    if (blocks.lines > 0) panel.querySelector('[data-log-empty]')?.remove();
    showWhere(view);
    if (!blocks.isEnded) return;
    button.hidden = true;
    set(false);
  };
  onChange(box, () => (blocks.isEnded ? Promise.resolve() : more()));
}

/** Calls `act` when the log has changed; however often it does meanwhile, once more after it. */
function onChange(box, act) {
  let isBusy = false;
  let isWantedAgain = false;
  document.addEventListener('pika:changed', async (event) => {
    if (event.detail !== 'everything' && !box.dataset.live.split(' ').includes(event.detail)) return;
    isWantedAgain = true;
    if (isBusy) return;
    isBusy = true;
    while (isWantedAgain) {
      isWantedAgain = false;
      await act();
    }
    isBusy = false;
  });
}

const times = ['', 'clock', 'timeless'];

function startSwitches({ panel, box }) {
  const clock = panel.querySelector('[data-log-times]');
  const wrap = panel.querySelector('[data-log-wrap]');
  const show = () => {
    const shown = read('pika-log-times');
    for (const name of times) if (name !== '') box.classList.toggle(name, name === shown);
    clock.textContent = { clock: 'Times: UTC', timeless: 'Times: off' }[shown] ?? 'Times';
    clock.setAttribute('aria-pressed', String(shown !== 'timeless'));
    const isWrapped = read('pika-log-wrap') !== 'off';
    box.classList.toggle('nowrap', !isWrapped);
    wrap.setAttribute('aria-pressed', String(isWrapped));
  };
  clock.hidden = false;
  wrap.hidden = false;
  clock.addEventListener('click', () => {
    const place = Math.max(0, times.indexOf(read('pika-log-times')));
    write('pika-log-times', times[(place + 1) % times.length]);
    show();
  });
  wrap.addEventListener('click', () => {
    write('pika-log-wrap', read('pika-log-wrap') === 'off' ? '' : 'off');
    show();
  });
  show();
}

// A browser may refuse to remember; then the switch lasts as long as the page.
const remembered = new Map();
function read(name) {
  try {
    return localStorage.getItem(name) ?? '';
  } catch {
    return remembered.get(name) ?? '';
  }
}
function write(name, value) {
  remembered.set(name, value);
  try {
    localStorage.setItem(name, value);
  } catch {
    // Not remembered.
  }
}

/** The slider below the log leads anywhere in it. */
function startPosition(view) {
  const { panel, box, blocks } = view;
  const slider = panel.querySelector('[data-log-position]');
  let timer;
  slider.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      await blocks.jump(`from=${slider.value}`);
      box.scrollTop = 0;
    }, 60);
  });
  box.addEventListener('scroll', () => showWhere(view));
}

function sizeOf(count) {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  const unit = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, count)) / 10));
  const value = count / 1024 ** unit;
  return `${unit > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

function showWhere({ panel, box, blocks }) {
  if (blocks.size !== undefined) {
    panel.querySelector('[data-log-count]').textContent =
      `${blocks.lines.toLocaleString('en')} ${blocks.lines === 1 ? 'line' : 'lines'}, ${sizeOf(blocks.size)}`;
  }
  const slider = panel.querySelector('[data-log-position]');
  const isWhole = blocks.first === 1 && blocks.next > blocks.lines;
  panel.querySelector('.log-foot').toggleAttribute('data-log-whole', isWhole && blocks.lines < 60);
  slider.hidden = isWhole;
  slider.max = String(Math.max(1, blocks.lines));
  const top = box.getBoundingClientRect().top;
  const rows = box.querySelectorAll('.log-block .log-line');
  let low = 0;
  let high = rows.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    const row = rows[middle].getBoundingClientRect();
    if (row.bottom === 0 || row.bottom > top) high = middle;
    else low = middle + 1;
  }
  const line = Number(rows[low]?.id.slice(1) ?? 1);
  if (document.activeElement !== slider) slider.value = String(line);
  panel.querySelector('[data-log-where]').textContent =
    `Line ${line.toLocaleString('en')} of ${blocks.lines.toLocaleString('en')}`;
}
