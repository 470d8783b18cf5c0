import { readMemoryBytes, type Git } from '../../git/run.ts';
import { ForgeError } from '../../lib/errors.ts';

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
