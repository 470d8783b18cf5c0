// Tests that need a program which may not be there: they are skipped aloud, with the reason and the way out.
import { test } from 'vitest';

/** `test`, or a skipped one after the reason was printed. */
export function testUnless(missing: string | undefined, title: string): typeof test | typeof test.skip {
  if (missing === undefined) return test;
  console.warn(`Skipped: ${title}: ${missing}.`);
  return test.skip;
}
