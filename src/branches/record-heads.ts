// Turns pushed heads into rows and pins, however many there are with a handful of gits. Only called in the
// repository's turn (turn.ts): first `readHeads`, then `writeHeads` in one transaction, then the facts are told.
import type { Forge } from '../forge/open.ts';
import { mergeBases } from '../git/merge-bases.ts';
import { commitSummary } from '../git/objects.ts';
import { updateRefs, zeroOid } from '../git/refs.ts';
import { ForgeError } from '../lib/errors.ts';
import { writeRefFile } from '../git/write-ref-file.ts';
import { inHalves } from '../lib/in-halves.ts';
import type { Repo } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';
import { brokenReason, missingCommit } from './broken.ts';
import { pinRef, type Branch } from './model.ts';
import { findOpenBranchRow, nextBranchNumber } from './store.ts';

const fewHeads = 5;
const maxStepsToTarget = 20;

export interface PushedHead {
  /** Without refs/heads/. */
  name: string;
  headOid: string;
  /** The account that pushed, when it is known. */
  pushedBy: number | undefined;
  /** Where a new branch is to land; without it, on the default branch. */
  target?: string;
  /** The branch goes on being called what it was, whatever the commit says. */
  keepsTitle?: boolean;
}

/** A repository and where its branches stand. */
export interface Place {
  repo: Repo;
  heads: ReadonlyMap<string, string>;
}

export interface ReadHead extends PushedHead {
  /** The open branch of that name, as it was before. */
  existing: Branch | undefined;
  /** The row has this very head: there is nothing to record but what was not known of it. */
  isKnown: boolean;
  number: number;
  revision: number;
  parents: readonly string[];
  title: string;
  targetOid: string | undefined;
  baseOid: string | undefined;
  /** Why it cannot be read. */
  problem: string | undefined;
}

/**
 * Reads what the rows need and pins every head. The pins come before the rows: a crash in between leaves pins that
 * the next try writes again, and never a row without its pin. A head that cannot be read gets its `problem`.
 */
export async function readHeads(
  forge: Forge,
  place: Place,
  pushed: readonly PushedHead[],
): Promise<ReadHead[]> {
  const read = await Promise.all(number(forge, place, pushed).map((head) => readTitle(forge, place, head)));
  const fresh = () => read.filter((head) => !isSettled(head) && head.problem === undefined);
  const note = (head: ReadHead, error: unknown): void => {
    forge.log.warn({ err: error, repoId: place.repo.id, branch: head.name }, 'a head cannot be read');
    head.problem = brokenReason(error);
  };
  const path = repoPath(forge, place.repo.id);
  for (const [target, heads] of Map.groupBy(fresh(), (head) => head.targetOid)) {
    if (target === undefined) continue;
    await inHalves(heads, (some) => findBases(forge, path, { target, heads: some }), note);
  }
  await inHalves(fresh(), (some) => pin(forge, path, some), note);
  return read;
}

/** Nothing to read: the row has the head, and the head was readable. */
const isSettled = ({ isKnown, existing }: ReadHead): boolean =>
  isKnown && existing?.brokenReason === undefined;

function number(forge: Forge, { repo, heads }: Place, pushed: readonly PushedHead[]): ReadHead[] {
  let next = nextBranchNumber(forge.db, repo.id);
  return pushed.map((head) => {
    const existing = findOpenBranchRow(forge.db, { repoId: repo.id, name: head.name });
    const isKnown = existing?.headOid === head.headOid;
    return {
      ...head,
      existing,
      isKnown,
      number: existing?.number ?? next++,
      revision: existing === undefined ? 1 : existing.revision + (isKnown ? 0 : 1),
      parents: [],
      title: head.name,
      targetOid: heads.get(existing?.target ?? head.target ?? repo.defaultBranch),
      baseOid: undefined,
      problem: undefined,
    };
  });
}

async function readTitle(forge: Forge, { repo }: Place, head: ReadHead): Promise<ReadHead> {
  if (isSettled(head)) return head;
  if (head.headOid === zeroOid)
    return { ...head, problem: `git cannot read its ref refs/heads/${head.name}` };
  try {
    const { subject, parents } = await commitSummary(forge.git, repoPath(forge, repo.id), head.headOid);
    const kept = head.keepsTitle === true ? head.existing?.title : undefined;
    return { ...head, parents, title: kept ?? (subject.slice(0, 200) || head.name) };
  } catch (error) {
    const isMissing = error instanceof ForgeError && error.code === 'not_found';
    return { ...head, problem: isMissing ? missingCommit(head.headOid) : brokenReason(error) };
  }
}

async function findBases(
  forge: Forge,
  path: string,
  { target, heads }: { target: string; heads: readonly ReadHead[] },
): Promise<void> {
  // A head a few commits on top of the target needs no git; of many heads, only what costs nothing is tried.
  const maxSteps = heads.length <= fewHeads ? maxStepsToTarget : 1;
  const far: ReadHead[] = [];
  for (const head of heads) {
    if (await isOnTop(forge, path, { head, target, maxSteps })) head.baseOid = target;
    else far.push(head);
  }
  const bases = await mergeBases(forge.git, path, { target, heads: far.map((head) => head.headOid) });
  for (const head of far) head.baseOid = bases.get(head.headOid);
}

/** Whether the head is the target, or comes down to it by first parents within so many steps. */
async function isOnTop(
  forge: Forge,
  path: string,
  { head, target, maxSteps }: { head: ReadHead; target: string; maxSteps: number },
): Promise<boolean> {
  if (head.headOid === target) return true;
  let { parents } = head;
  for (let step = 1; step <= maxSteps; step += 1) {
    const [parent] = parents;
    if (parent === undefined) return false;
    if (parent === target) return true;
    if (step < maxSteps) ({ parents } = await commitSummary(forge.git, path, parent));
  }
  return false;
}

async function pin(forge: Forge, path: string, heads: readonly ReadHead[]): Promise<void> {
  const moves = heads.map((head) => ({ ref: pinRef(head.number, head.revision), newOid: head.headOid }));
  const written = await Promise.allSettled(moves.map(({ ref, newOid }) => writeRefFile(path, ref, newOid)));
  // A lock may be held by a git that packs refs right now; git waits for it.
  const rest = moves.filter((_, place) => written[place]?.status === 'rejected');
  await updateRefs(forge.git, path, rest);
}
