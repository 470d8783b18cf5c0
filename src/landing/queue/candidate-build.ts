// The commits of a candidate: each member merged, in order, on the one before it, as the real merges that will land. Only
// objects are written. A branch that does not merge is named with the one it could not follow.
import { getAccount } from '../../accounts/find.ts';
import { getBranch } from '../../branches/find.ts';
import type { Branch } from '../../branches/model.ts';
import type { Forge } from '../../forge/open.ts';
import { mergeTree } from '../../git/merge.ts';
import { mergeBase, treeOf } from '../../git/objects.ts';
import type { MergeMethod, Repo } from '../../repos/model.ts';
import { repoPath } from '../../repos/path.ts';
import { makeCommit } from '../merge/commit.ts';
import { listLandedSince, type Landing, type LandingEnd } from './store.ts';

/** A merge that the next one stands on, landed or not. */
export interface Below {
  branchId: number;
  commitOid: string;
}

export interface BuildOrder {
  repo: Repo;
  target: string;
  /** The tip of the target, or the commit of the candidate that this one stands on. */
  baseOid: string;
  /** The members of the candidates below, which have not landed; empty on the tip. */
  below: readonly Below[];
  entries: readonly Landing[];
  /** For entries that ask for none. */
  method: MergeMethod;
}

export interface BuiltMember {
  landing: Landing;
  headOid: string;
  commitOid: string;
  method: MergeMethod;
}

export interface Built {
  commitOid: string;
  treeOid: string;
  members: BuiltMember[];
  /** Entries that cannot land, with the words of their end. */
  leaving: { landing: Landing; end: Omit<LandingEnd, 'id' | 'now'> }[];
  /** Entries that git could not read just now. */
  unread: { landing: Landing; error: unknown }[];
}

const maxBlamed = 50;

export async function buildCommits(forge: Forge, order: BuildOrder): Promise<Built> {
  const built: Built = { commitOid: order.baseOid, treeOid: '', members: [], leaving: [], unread: [] };
  for (const landing of order.entries) {
    try {
      if ((await addMember(forge, order, { built, landing })) === 'full') break;
    } catch (error) {
      built.unread.push({ landing, error });
    }
  }
  built.treeOid = await treeOf(forge.git, repoPath(forge, order.repo.id), built.commitOid);
  return built;
}

/** `full`: nothing can stand on what is there, until it has landed. */
async function addMember(
  forge: Forge,
  order: BuildOrder,
  { built, landing }: { built: Built; landing: Landing },
): Promise<'added' | 'left' | 'full'> {
  const { repo } = order;
  const path = repoPath(forge, repo.id);
  const { headOid } = landing;
  const onto = built.commitOid;
  const isOnTip = order.below.length === 0 && built.members.length === 0;
  const method = landing.method ?? order.method;
  const leave = (end: Omit<LandingEnd, 'id' | 'now' | 'state'>): 'left' => {
    built.leaving.push({ landing, end: { state: 'evicted', ...end } });
    return 'left';
  };
  const base = await mergeBase(forge.git, path, onto, headOid);
  if (base === undefined) {
    const message = `The branch and ${order.target} have no commit in common.`;
    return leave({ cause: 'refused', message, wayOut: rebase(order.target) });
  }
  if (base === headOid) {
    // What is ahead brings its commits along; when that has landed, there is nothing left to land.
    if (!isOnTip) return 'full';
    const message = `${order.target} has every commit of the branch already.`;
    return leave({ cause: 'already_merged', message, wayOut: 'Nothing more is needed.' });
  }
  if (method === 'fast-forward' && base !== onto) {
    if (!isOnTip) return 'full';
    const message = `${order.target} moved on, and this branch lands as a fast-forward only.`;
    return leave({ cause: 'not_fast_forward', message, wayOut: rebase(order.target) });
  }
  const merge = await mergeTree(forge.git, { repo: path, target: onto, head: headOid });
  if (merge.outcome === 'conflict') {
    return leave(await conflictOf(forge, order, { built, landing, paths: merge.paths }));
  }
  const commitOid = await makeCommit(forge, {
    repo,
    branch: getBranch(forge, landing.branchId),
    actor: getAccount(forge, landing.actorId),
    method,
    message: landing.message,
    targetOid: onto,
    headOid,
    tree: merge.tree,
  });
  built.members.push({ landing, headOid, commitOid, method });
  built.commitOid = commitOid;
  return 'added';
}

async function conflictOf(
  forge: Forge,
  order: BuildOrder,
  found: { built: Built; landing: Landing; paths: readonly string[] },
): Promise<Omit<LandingEnd, 'id' | 'now' | 'state'>> {
  const { built, landing, paths } = found;
  const members = built.members.map((member) => ({
    branchId: member.landing.branchId,
    commitOid: member.commitOid,
  }));
  const ahead = await findBlocker(forge, { ...landing, stack: [...order.below, ...members] });
  return conflictEnd(forge, { landing, paths, ahead });
}

/** The words for an entry that conflicts with its target, or with what is ahead of it. */
export async function conflictEnd(
  forge: Forge,
  found: { landing: Landing; paths: readonly string[]; ahead?: Branch | undefined },
): Promise<Omit<LandingEnd, 'id' | 'now' | 'state'>> {
  const { landing, paths } = found;
  const landed = found.ahead === undefined ? await findLandedBlocker(forge, landing) : undefined;
  const ahead = found.ahead ?? landed;
  const where = paths.length === 0 ? '' : ` in ${shownPaths(paths)}`;
  const whose = ahead === undefined ? landing.target : `#${ahead.number} (${ahead.name})`;
  const how =
    landed !== undefined ? ', which landed before it' : ahead !== undefined ? ', which is ahead of it' : '';
  return {
    cause: 'conflict',
    message: `The branch conflicts with ${whose}${how}${how === '' ? '' : ','}${where}.`,
    wayOut:
      landed === undefined && ahead !== undefined
        ? `Wait until #${ahead.number} has landed. ${rebase(landing.target)}`
        : rebase(landing.target),
    aheadId: ahead?.id,
  };
}

function shownPaths(paths: readonly string[]): string {
  const shown = paths.slice(0, 5).join(', ');
  return paths.length > 5 ? `${shown} and ${paths.length - 5} more` : shown;
}

const rebase = (target: string): string => `Rebase it on ${target}, push, and land it again.`;

/** The first of a stack of merges that a head does not merge with. */
async function findBlocker(
  forge: Forge,
  question: { repoId: number; headOid: string; stack: readonly Below[] },
): Promise<Branch | undefined> {
  const repo = repoPath(forge, question.repoId);
  for (const { branchId, commitOid } of question.stack.slice(0, maxBlamed)) {
    const merge = await mergeTree(forge.git, { repo, target: commitOid, head: question.headOid });
    if (merge.outcome === 'conflict') return getBranch(forge, branchId);
  }
  return undefined;
}

async function findLandedBlocker(forge: Forge, landing: Landing): Promise<Branch | undefined> {
  const { repoId, target, enqueuedAt, headOid, branchId } = landing;
  const landed = listLandedSince(forge.db, { repoId, target, since: enqueuedAt, limit: maxBlamed });
  const stack = landed
    .filter((one) => one.branchId !== branchId)
    .map((one) => ({ branchId: one.branchId, commitOid: one.mergeOid }));
  return findBlocker(forge, { repoId, headOid, stack });
}
