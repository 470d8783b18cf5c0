// A branch that the forge itself makes: its ref, its pin and its row, as if somebody had pushed it.
import type { Forge } from '../forge/open.ts';
import { listHeads, updateRefs, zeroOid } from '../git/refs.ts';
import { ForgeError } from '../lib/errors.ts';
import { refNameProblem, type Repo } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';
import { findOpenBranch } from './find.ts';
import type { Branch } from './model.ts';
import { readHeads } from './record-heads.ts';
import { inTurn } from './turn.ts';
import { tellAll, writeHeads } from './write-heads.ts';

/**
 * Makes the branch `name` at the commit `headOid`, to land on `target`, and answers its row; CI and the tutorial follow as after a push.
 * Refuses (`conflict`) a name that is taken, and one (`invalid`) that no branch may have.
 */
export async function startBranch(
  forge: Forge,
  order: { repo: Repo; name: string; target: string; headOid: string; actorId: number },
): Promise<Branch> {
  const { repo, name, target, headOid, actorId } = order;
  const problem = refNameProblem(name);
  if (problem !== undefined)
    throw new ForgeError('invalid', `A branch cannot be called ${name}: ${problem}.`);
  const path = repoPath(forge, repo.id);
  return inTurn(forge, repo.id, async () => {
    const heads = await listHeads(forge.git, path);
    if (isTaken(heads, name)) throw nameTaken(name);
    // The ref comes first: a row without a ref would be settled as closed by the next scan.
    await updateRefs(forge.git, path, [{ ref: `refs/heads/${name}`, newOid: headOid, oldOid: zeroOid }]);
    const place = { repo, heads: new Map([...heads, [name, headOid]]) };
    const read = await readHeads(forge, place, [{ name, target, headOid, pushedBy: actorId }]);
    tellAll(
      forge,
      forge.db.transaction(() => writeHeads(forge, repo, read)),
    );
    const branch = findOpenBranch(forge, repo.id, name);
    if (branch === undefined) throw new Error(`the branch ${name} was not recorded`);
    return branch;
  });
}

/** The first of `name`, `name-2`, `name-3` … that no branch of the repository has. */
export async function freeName(forge: Forge, repo: Repo, name: string): Promise<string> {
  const heads = await listHeads(forge.git, repoPath(forge, repo.id));
  for (let number = 1; ; number += 1) {
    const candidate = number === 1 ? name : `${name}-${number}`;
    if (!isTaken(heads, candidate)) return candidate;
  }
}

/** A ref of the name, in any case, or one that would be its folder or lie in it as a folder. */
function isTaken(heads: ReadonlyMap<string, string>, name: string): boolean {
  const wanted = name.toLowerCase();
  return [...heads.keys()].some((head) => {
    const taken = head.toLowerCase();
    return taken === wanted || taken.startsWith(`${wanted}/`) || wanted.startsWith(`${taken}/`);
  });
}

const nameTaken = (name: string): ForgeError =>
  new ForgeError(
    'conflict',
    `The name ${name} is in use by another branch. Close that one first, or choose another name.`,
  );
