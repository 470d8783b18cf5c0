// The paragraphs of a commit message that say something to a reader. Those of trailers (Signed-off-by, Fixes) are for
// programs, and are left out wherever they stand.
const trailer =
  /^(?:[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)+|Fixes|Closes|Refs?|Bug|Issue|See|Link|PR|Cc): ?\S/;
const pickedFrom = /^\(cherry picked from commit [0-9a-f]+\)$/;

export const paragraphsOf = (body: string): string[] =>
  body
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.trim())
    .filter((paragraph) => paragraph !== '' && !isTrailers(paragraph));

/** Every line is a trailer, or goes on with the one above. */
const isTrailers = (paragraph: string): boolean =>
  paragraph
    .split('\n')
    .every((line, at) => trailer.test(line) || pickedFrom.test(line) || (at > 0 && /^\s/.test(line)));
