// Which lanes a change needs. One function for every kind of run; a lane that is left out is recorded as
// skipped by its path filter, and never shown as success.
import { readMemoryBytes, type Git } from '../git/run.ts';
import { ForgeError } from '../lib/errors.ts';
import { compileGlob } from '../lib/glob.ts';
import { manifestPath } from './manifest-refusal.ts';
import type { LaneSpec } from './manifest.ts';

const maxPathBytes = 16 * 1024 * 1024;
const maxMs = 30_000;
// Characters of patterns times characters of paths: about a second of matching at worst.
const maxSteps = 200_000_000;

/**
 * The paths that differ between two commits, both names of a rename among them. Undefined when they cannot be told
 * (no common history, or too many): then every lane runs.
 */
export async function changedPaths(
  git: Git,
  commits: { repo: string; base: string | undefined; head: string },
): Promise<string[] | undefined> {
  const { repo, base, head } = commits;
  if (base === undefined) return undefined;
  const args = ['diff', '--name-only', '-z', '--no-renames', '--no-ext-diff', base, head, '--'];
  try {
    const { stdout } = await git.run(args, {
      repo,
      maxBytes: maxPathBytes,
      timeoutMs: maxMs,
      maxMemoryBytes: readMemoryBytes,
    });
    return stdout.toString('utf8').split('\0').filter(Boolean);
  } catch (error) {
    const isTooMuch = error instanceof ForgeError && ['too_large', 'limited'].includes(error.code);
    if (isTooMuch) return undefined;
    throw error;
  }
}

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
