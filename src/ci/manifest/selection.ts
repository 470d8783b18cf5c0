// Which lanes a change needs. One function for every kind of run, and for `ph run`; a lane that is left out is recorded
// as skipped by its path filter, and never shown as success.
import { compileGlob } from '../../lib/glob.ts';
import { manifestPath } from './manifest-refusal.ts';
import type { LaneSpec } from './manifest.ts';

// Characters of patterns times characters of paths: about a second of matching at worst.
const maxSteps = 200_000_000;

/** The keys of the lanes that run; no known changes or a changed manifest select all of them. */
export function selectLanes(lanes: readonly LaneSpec[], changed: readonly string[] | undefined): Set<string> {
  const all = changed === undefined || changed.length === 0 || changed.includes(manifestPath);
  const isTold = !all && isAffordable(lanes, changed);
  const selected = isTold ? lanes.filter((lane) => isTouched(lane.paths, changed)) : lanes;
  return new Set(selected.map((lane) => lane.key));
}

/** Whoever pushes writes the patterns and the paths; what would hold up the forge is not looked at: every lane runs. */
function isAffordable(lanes: readonly LaneSpec[], changed: readonly string[]): boolean {
  const lengthOf = (texts: readonly string[]) => texts.reduce((sum, text) => sum + text.length, 0);
  return lengthOf(lanes.flatMap((lane) => lane.paths ?? [])) * lengthOf(changed) <= maxSteps;
}

function isTouched(patterns: string[] | undefined, changed: readonly string[]): boolean {
  if (patterns === undefined) return true;
  // A pattern with a leading ! takes paths away again, as in .gitignore.
  const wanted = patterns.filter((pattern) => !pattern.startsWith('!')).map(compileGlob);
  const unwanted = patterns
    .filter((pattern) => pattern.startsWith('!'))
    .map((pattern) => compileGlob(pattern.slice(1)));
  return changed.some(
    (path) =>
      (wanted.length === 0 || wanted.some((matches) => matches(path))) &&
      !unwanted.some((matches) => matches(path)),
  );
}
