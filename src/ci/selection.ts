// Which lanes a change needs. One function for every kind of run; a lane that is left out is recorded as
// skipped by its path filter, and never shown as success.
import picomatch from 'picomatch';
import type { Git } from '../git/run.ts';
import { ForgeError } from '../lib/errors.ts';
import { manifestPath, type LaneSpec } from './manifest.ts';

const maxPathBytes = 16 * 1024 * 1024;
const maxMs = 30_000;

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
    const { stdout } = await git.run(args, { repo, maxBytes: maxPathBytes, timeoutMs: maxMs });
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
  const selected = lanes.filter((lane) => all || isTouched(lane.paths, changed));
  return new Set(selected.map((lane) => lane.key));
}

function isTouched(patterns: string[] | undefined, changed: readonly string[]): boolean {
  if (patterns === undefined) return true;
  // A pattern with a leading ! takes paths away again, as in .gitignore.
  const wanted = patterns.filter((pattern) => !pattern.startsWith('!'));
  const ignore = patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1));
  const matches = picomatch(wanted.length === 0 ? ['**'] : wanted, { dot: true, ignore, nonegate: true });
  return changed.some((path) => matches(path));
}
