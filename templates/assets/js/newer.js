/** What is being read is never replaced: when the header tells of a newer revision or tutorial, the page offers it. */
export function offerNewer() {
  const offer = document.querySelector('[data-newer-than]')?.dataset;
  const newest = document.querySelector('[data-revision]')?.dataset;
  if (offer === undefined || newest === undefined) return;
  const isExplained = [undefined, offer.explains].includes(newest.explained) || offer.explains === undefined;
  document.querySelector('[data-newer-than]').hidden = offer.newerThan === newest.revision && isExplained;
}
