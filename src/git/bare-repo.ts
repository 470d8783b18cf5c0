import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Git } from './run.ts';

/** Makes an empty bare repository at `path`, with HEAD on the branch that is to come. */
export async function createBareRepo(git: Git, path: string, defaultBranch: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  await git.run(['init', '--quiet', '--bare', `--initial-branch=${defaultBranch}`, path]);
}

/** Points HEAD at a branch (without refs/heads/), so that a clone checks it out. */
export async function setHead(git: Git, path: string, branch: string): Promise<void> {
  await git.run(['symbolic-ref', 'HEAD', `refs/heads/${branch}`], { repo: path });
}

/** The branch that HEAD names (without refs/heads/), whether it exists or not; read without a git of its own. */
export async function readHead(path: string): Promise<string | undefined> {
  const text = await readFile(join(path, 'HEAD'), 'utf8');
  return /^ref: refs\/heads\/(.+)\n?$/.exec(text)?.[1];
}
