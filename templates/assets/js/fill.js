// Parts of a page that take longer than the page: fetched when it stands, and put where they belong.

export function startFilling(enhance) {
  for (const place of document.querySelectorAll('[data-fill]')) void fill(place, enhance);
  for (const place of document.querySelectorAll('[data-colours]')) void colour(place);
}

async function fill(place, enhance) {
  const response = await fetch(place.dataset.fill).catch(() => undefined);
  if (!response?.ok) return;
  const next = new DOMParser().parseFromString(await response.text(), 'text/html').body;
  // Who has begun to walk through the list with the keyboard keeps the place.
  const focused = place.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null;
  place.replaceChildren(...next.childNodes);
  if (focused !== null) place.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus();
  enhance(place);
  document.dispatchEvent(new CustomEvent('pika:filled'));
}

/** Colours that were not made in time are put into the lines that stand, so that whoever reads or writes there keeps the place. */
async function colour(place) {
  const response = await fetch(place.dataset.colours).catch(() => undefined);
  if (!response?.ok) return;
  const next = new DOMParser().parseFromString(await response.text(), 'text/html').body;
  for (const coloured of next.querySelectorAll('.file-diff[id]')) {
    const cells = codeOf(document.getElementById(coloured.id));
    const made = codeOf(coloured);
    // Lines were shown in between, or the file is another by now.
    if (cells.length !== made.length) continue;
    cells.forEach((cell, at) => {
      if (cell.textContent === made[at].textContent) cell.replaceChildren(...made[at].childNodes);
    });
  }
}

const codeOf = (file) => [...(file?.querySelectorAll('.diff-scroll > table > tbody > tr > .code') ?? [])];
