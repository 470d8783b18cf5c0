/** What is being read is never replaced: when the header tells of a newer revision, the page offers it. */
export function offerNewer() {
  const offer = document.querySelector('[data-newer-than]');
  const newest = document.querySelector('[data-revision]');
  if (offer === null || newest === null) return;
  offer.hidden = offer.dataset.newerThan === newest.dataset.revision;
}
