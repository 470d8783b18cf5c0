import { mkdir } from 'node:fs/promises';
import type { Git } from './run.ts';

/** Makes an empty bare repository at `path` with HEAD on `defaultBranch` (a name without refs/heads/). */
export async function createBareRepo(git: Git, path: string, defaultBranch: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  await git.run(['init', '--quiet', '--bare', `--initial-branch=${defaultBranch}`, '--end-of-options', path]);
}

/** Points HEAD at a branch, which need not exist yet. */
export async function setHead(git: Git, repo: string, branch: string): Promise<void> {
  await git.run(['symbolic-ref', 'HEAD', `refs/heads/${branch}`], { repo });
}
