// The rest of a long difference is fetched when the reader comes near its end, and put in a few files in each frame, so
// that scrolling never waits for it. Whoever goes to a file that was not fetched yet is brought there past those before it.

// A file of a usual change in each frame: Chromium makes so many lines ready to be seen in a third of the time that a reader
// would notice.
const rowsPerFrame = 20;
const leads = '[data-more*="from="], [data-between]';

// One part after the other: what one brings may be what the next looks for.
let work = Promise.resolve();
const inTurn = (task) => (work = work.then(task).catch(() => undefined));

export function startMore() {
  const observer = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) if (entry.isIntersecting) load(entry.target, observer);
    },
    { rootMargin: '3000px' },
  );
  const observeAll = () => {
    for (const place of document.querySelectorAll('[data-more]')) observer.observe(place);
  };
  observeAll();
  // A part that was fetched anew may end with a further part.
  document.addEventListener('pika:filled', observeAll);
  document.addEventListener('click', (event) => {
    const place = event.target.closest('[data-between] a')?.parentElement;
    if (!place || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    load(place, observer, (files) => files[0]?.focus({ preventScroll: true }));
  });
  const goThere = () => inTurn(() => goToFile(location.hash.slice(1), observer));
  addEventListener('hashchange', goThere);
  void goThere();
}

const againMs = 5000;

/** Puts what a place leads to in its stead. A forge that restarts, or has too much to do, is asked again. */
function load(place, observer, done = () => undefined) {
  observer.unobserve(place);
  void inTurn(async () => {
    const response = place.isConnected
      ? await fetch(addressOf(place)).catch(() => ({ status: 503 }))
      : undefined;
    if (response?.ok) done(await putIn(place, await response.text(), observer));
    else if (response?.status === 429 || response?.status >= 500)
      setTimeout(() => observer.observe(place), againMs);
  });
}

/** A file of the difference that is not on the page yet is in one of the parts that were not fetched. */
async function goToFile(id, observer) {
  const isThere = () => document.getElementById(id) !== null;
  if (!/^file-[0-9a-f]{12}$/.test(id) || document.querySelector('[data-tree]') === null || isThere()) return;
  for (const place of document.querySelectorAll(leads)) {
    const response = await fetch(`${addressOf(place)}&at=${id}`);
    if (!response.ok) continue;
    observer.unobserve(place);
    await putIn(place, await response.text(), observer);
    const file = document.getElementById(id);
    file?.scrollIntoView();
    file?.focus({ preventScroll: true });
    return;
  }
}

const addressOf = ({ dataset }) => dataset.more ?? dataset.between;

/** Answers the files that came. */
async function putIn(place, text, observer) {
  const next = new DOMParser().parseFromString(text, 'text/html').body;
  const further = [...next.querySelectorAll('[data-more]')];
  const files = [...next.querySelectorAll('.file-diff')];
  let rows = 0;
  for (let node = next.firstChild; node !== null; node = next.firstChild) {
    if (rows >= rowsPerFrame) {
      rows = 0;
      await nextFrame();
    }
    rows += node.querySelectorAll?.('tr').length ?? 0;
    place.before(node);
  }
  place.remove();
  for (const each of further) observer.observe(each);
  return files;
}

const nextFrame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
