// Reading and moving refs. A name is resolved to an object id once; after that only ids are passed on.
import { ForgeError } from '../lib/errors.ts';
import { GitError, type Git } from './run.ts';

export const zeroOid = '0'.repeat(40);

/** The object id of `refs/heads/<name>` in the bare repository `repo`, or undefined when there is no such branch. */
export async function resolveBranch(git: Git, repo: string, name: string): Promise<string | undefined> {
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `refs/heads/${name}^{commit}`];
  const { stdout, exitCode } = await git.run(args, { repo, accept: [1, 128] });
  return exitCode === 0 ? stdout.toString('latin1').trim() : undefined;
}

/** Every branch by name with its object id, in one call. */
export async function listHeads(git: Git, repo: string): Promise<Map<string, string>> {
  return listRefs(git, repo, 'refs/heads/');
}

/** Refs under `prefix` (ending in `/`), named without it. */
export async function listRefs(git: Git, repo: string, prefix: string): Promise<Map<string, string>> {
  const text = await git.text(['for-each-ref', '--format=%(objectname) %(refname)', prefix], { repo });
  const refs = new Map<string, string>();
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ');
    if (space > 0) refs.set(line.slice(space + 1 + prefix.length), line.slice(0, space));
  }
  return refs;
}

export interface RefUpdate {
  /** The full name, e.g. `refs/heads/main`. */
  ref: string;
  /** `zeroOid` deletes. */
  newOid: string;
  /** What the ref must be now; `zeroOid` = it must not exist. */
  oldOid: string;
}

/** Moves all refs or none; refuses (`conflict`) when one is no longer where the caller saw it. */
export async function updateRefs(git: Git, repo: string, updates: readonly RefUpdate[]): Promise<void> {
  const lines = updates.map(({ ref, newOid, oldOid }) => `update ${ref}\0${newOid}\0${oldOid}\0`);
  const input = `start\0${lines.join('')}prepare\0commit\0`;
  try {
    await git.run(['update-ref', '-z', '--stdin'], { repo, input });
  } catch (error) {
    if (error instanceof GitError && /cannot lock ref|expected|already exists/.test(error.stderr)) {
      throw new ForgeError('conflict', 'The branch moved in the meantime; look at it again and retry.', { cause: error });
    }
    throw error;
  }
}
