// The rest of a long difference is fetched when the reader comes near its end, and put in a few files in each frame, so
// that scrolling never waits for it.

// Chromium makes so many lines ready to be seen in a third of the time that a reader would notice.
const rowsPerFrame = 50;

export function startMore() {
  const observer = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) if (entry.isIntersecting) void load(entry.target, observer);
    },
    { rootMargin: '3000px' },
  );
  const observeAll = () => {
    for (const place of document.querySelectorAll('[data-more]')) observer.observe(place);
  };
  observeAll();
  // A part that was fetched anew may end with a further part.
  document.addEventListener('pika:filled', observeAll);
}

async function load(place, observer) {
  observer.unobserve(place);
  const address = place.dataset.more;
  // What is under way is not begun again.
  delete place.dataset.more;
  const response = await fetch(address);
  if (!response.ok) return;
  const next = new DOMParser().parseFromString(await response.text(), 'text/html').body;
  const further = next.querySelector('[data-more]');
  let rows = 0;
  for (let node = next.firstChild; node !== null && node !== further; node = next.firstChild) {
    if (rows >= rowsPerFrame) {
      rows = 0;
      await nextFrame();
    }
    rows += node.querySelectorAll?.('tr').length ?? 0;
    place.before(node);
  }
  // What leads on takes the place of what led here; in a list of its own it came with that.
  if (further?.parentElement === next) place.replaceWith(further);
  else place.remove();
  if (further !== null) observer.observe(further);
}

const nextFrame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
