// Parts of a page that take longer than the page: fetched when it stands, and put where they belong.

export function startFilling(enhance) {
  for (const place of document.querySelectorAll('[data-fill]')) void fill(place, enhance);
}

async function fill(place, enhance) {
  const response = await fetch(place.dataset.fill);
  if (!response.ok) return;
  const next = new DOMParser().parseFromString(await response.text(), 'text/html').body;
  // Who has begun to walk through the list with the keyboard keeps the place.
  const focused = place.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null;
  place.replaceChildren(...next.childNodes);
  if (focused !== null) place.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus();
  enhance(place);
  document.dispatchEvent(new CustomEvent('pika:filled'));
}
