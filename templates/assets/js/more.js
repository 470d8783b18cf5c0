// The rest of a long difference is fetched when the reader comes near its end.

export function startMore() {
  const observer = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) if (entry.isIntersecting) void load(entry.target, observer);
    },
    { rootMargin: '1500px' },
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
  place.replaceWith(...next.childNodes);
  if (further !== null) observer.observe(further);
}
