// Reading and moving refs. Every name is a full ref name, and every other argument is a full object id.
import { ForgeError } from '../lib/errors.ts';
import { readRefFile, readRefFiles } from './ref-files.ts';
import { GitError, type Git } from './run.ts';

/** What git writes for "no object": the old side of a new ref, the new side of a deleted one. */
export const zeroOid = '0'.repeat(40);

export interface RefMove {
  ref: string;
  /** `zeroOid` deletes the ref. */
  newOid: string;
  /** What the ref must stand at, `zeroOid` when it must not exist; undefined takes any. */
  oldOid?: string | undefined;
}

/** The commit of `refs/heads/<name>`, or undefined; a tag of the same name is never looked at. */
export const resolveBranch = (git: Git, repo: string, name: string): Promise<string | undefined> =>
  resolveRef(git, repo, `refs/heads/${name}`);

/** The object id that a full ref name stands at, or undefined. */
export async function resolveRef(git: Git, repo: string, ref: string): Promise<string | undefined> {
  const { stdout, exitCode } = await git.run(['show-ref', '--verify', '--hash', '--', ref], {
    repo,
    accept: [1, 128],
  });
  return exitCode === 0 ? stdout.toString('utf8').trim() : undefined;
}

/** Every branch, without refs/heads/, and its commit. */
export async function listHeads(git: Git, repo: string): Promise<Map<string, string>> {
  const refs = await listRefs(git, repo, ['refs/heads/']);
  return new Map([...refs].map(([ref, oid]) => [ref.slice('refs/heads/'.length), oid]));
}

/** As `listHeads(…).get(name)`, without a look at the other branches. */
export async function findHead(git: Git, repo: string, name: string): Promise<string | undefined> {
  const oid = await readRefFile(repo, `refs/heads/${name}`);
  return oid === undefined ? (await listHeads(git, repo)).get(name) : (oid ?? undefined);
}

/** Full ref name → object id, of everything under the prefixes (which end with `/`); hidden refs too. */
export async function listRefs(
  git: Git,
  repo: string,
  prefixes: readonly string[],
): Promise<Map<string, string>> {
  const fromFiles = await readRefFiles(repo, prefixes);
  if (fromFiles !== undefined) return fromFiles;
  const text = await git.text(['for-each-ref', '--format=%(objectname) %(refname)', ...prefixes], { repo });
  const refs = new Map<string, string>();
  for (const line of text.split('\n')) {
    if (line !== '') refs.set(line.slice(line.indexOf(' ') + 1), line.slice(0, line.indexOf(' ')));
  }
  return refs;
}

/**
 * Moves all of the refs or none, in one transaction of git.
 * Refuses (`conflict`) when one of them no longer stands where `oldOid` says, or is being moved by somebody else.
 */
export const updateRefs = (git: Git, repo: string, moves: readonly RefMove[]): Promise<void> =>
  transact(git, repo, { moves, env: {} });

/**
 * As `updateRefs`, for thousands: they are on the disk for good when it answers, all at once, and not one by one before. A
 * machine that dies meanwhile may forget some, so only for what is done again then.
 */
export async function updateManyRefs(git: Git, repo: string, moves: readonly RefMove[]): Promise<void> {
  const env = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'core.fsync', GIT_CONFIG_VALUE_0: 'none' };
  await transact(git, repo, { moves, env });
  await git.run(['pack-refs', '--all'], { repo });
}

async function transact(
  git: Git,
  repo: string,
  { moves, env }: { moves: readonly RefMove[]; env: Record<string, string> },
): Promise<void> {
  if (moves.length === 0) return;
  const commands = moves.map(({ ref, newOid, oldOid }) =>
    newOid === zeroOid ? `delete ${ref}\0${oldOid ?? ''}\0` : `update ${ref}\0${newOid}\0${oldOid ?? ''}\0`,
  );
  try {
    await git.run(['update-ref', '--stdin', '-z'], {
      repo,
      env,
      input: `start\0${commands.join('')}prepare\0commit\0`,
    });
  } catch (error) {
    if (error instanceof GitError && /cannot lock ref|reference already exists/.test(error.stderr)) {
      throw new ForgeError('conflict', 'A branch moved in between, so nothing was changed. Look again.', {
        cause: error,
      });
    }
    throw error;
  }
}
