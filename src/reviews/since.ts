// What changed between two revisions of a branch, apart from what a rebase brought. The earlier one is carried over to
// the base of the later one by git's own merge; what still differs is what somebody did.
import type { Branch, Revision } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import { commitTree, mergeTreeAnyway } from '../git/merge.ts';
import type { Diff, DiffFile } from '../git/diff.ts';
import { treeOf } from '../git/objects.ts';
import { Recent } from '../lib/recent.ts';
import { diffBetween } from '../repos/diff-between.ts';
import { pathOf } from '../repos/file-view.ts';
import type { Repo } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';
import type { SinceLabel } from './viewed-model.ts';

export interface SinceOrder {
  repo: Repo;
  branch: Branch;
  /** The revision that was read before, and the one that is read now. */
  from: Revision;
  to: Revision;
  ignoresSpace?: boolean | undefined;
}

export interface Since {
  from: Revision;
  to: Revision;
  /** What changed, as the earlier revision would be on the later one's base. */
  diff: Diff;
  /** Of every file that one of them changes, by its path. */
  labels: Map<string, SinceLabel>;
  /** Paths where carrying over met a conflict: they are compared with what was read, target's part and all. */
  conflicts: Set<string>;
  isRebased: boolean;
  /** What `diff` starts from; a conflict is in none. */
  baseOid: string;
}

interface Carried {
  treeOid: string;
  conflicts: string[];
}

// Nothing refers to the tree of a carried revision, so git may take it away in time.
const keptMs = 10 * 60 * 1000;
const carried = new Recent<{ at: number; carried: Carried }>(1_000_000);

export async function changedSince(forge: Forge, order: SinceOrder): Promise<Since> {
  const { repo, from, to } = order;
  const repoId = repo.id;
  const isRebased = from.baseOid !== to.baseOid;
  const { treeOid, conflicts } = await carryOver(forge, order);
  const ends = { repoId, baseOid: treeOid, headOid: to.headOid };
  const [whole, before, after] = await Promise.all([
    withConflicts(forge, order, { ends, conflicts }),
    diffBetween(forge, { ...from, repoId }),
    diffBetween(forge, { ...to, repoId }),
  ]);
  const labels = labelFiles({ before, after, whole });
  const diff = order.ignoresSpace
    ? await withConflicts(forge, order, { ends: { ...ends, ignoresSpace: true }, conflicts })
    : whole;
  const truncated = [whole, before, after].some((each) => each.truncated);
  return {
    from,
    to,
    diff: { ...diff, truncated },
    labels,
    conflicts: new Set(conflicts),
    isRebased,
    baseOid: conflicts.length === 0 ? treeOid : from.headOid,
  };
}

/** The tree of the earlier revision as it would be on the base of the later one. */
async function carryOver(forge: Forge, { repo, from, to }: SinceOrder): Promise<Carried> {
  if (from.baseOid === to.baseOid || from.baseOid === undefined || to.baseOid === undefined) {
    return { treeOid: from.headOid, conflicts: [] };
  }
  const path = repoPath(forge, repo.id);
  const key = `${path} ${from.baseOid} ${from.headOid} ${to.baseOid}`;
  const now = forge.clock.now();
  const known = carried.find(key);
  if (known !== undefined && now - known.at < keptMs) return known.carried;
  const made = await mergeFromBase(forge, path, { base: from.baseOid, head: from.headOid, onto: to.baseOid });
  carried.keep(key, { at: now, carried: made }, 500 + 200 * made.conflicts.length);
  return made;
}

/** Git looks for merge bases in the history, so both sides become commits whose only history is the one base. */
async function mergeFromBase(
  forge: Forge,
  repo: string,
  { base, head, onto }: { base: string; head: string; onto: string },
): Promise<Carried> {
  const nobody = { name: 'pika-git', email: 'pika-git@localhost' };
  const [ours, theirs] = await Promise.all(
    [onto, head].map(async (commit) => {
      const tree = await treeOf(forge.git, repo, commit);
      const content = { repo, tree, parents: [base], message: 'carried over' };
      return commitTree(forge.git, { ...content, author: nobody, committer: nobody, at: 0 });
    }),
  );
  const merged = await mergeTreeAnyway(forge.git, { repo, target: ours ?? '', head: theirs ?? '' });
  return { treeOid: merged.tree, conflicts: merged.conflicts };
}

/** The difference from the carried tree; files in conflict are compared with the earlier head instead. */
async function withConflicts(
  forge: Forge,
  { from }: SinceOrder,
  { ends, conflicts }: { ends: Parameters<typeof diffBetween>[1]; conflicts: string[] },
): Promise<Diff> {
  const diff = await diffBetween(forge, ends);
  if (conflicts.length === 0) return diff;
  const isIn = (file: DiffFile): boolean =>
    conflicts.includes(file.oldPath) || conflicts.includes(file.newPath);
  const direct = await diffBetween(forge, { ...ends, baseOid: from.headOid });
  const files = [...diff.files.filter((file) => !isIn(file)), ...direct.files.filter(isIn)];
  const inOrder = files.toSorted((one, other) => (pathOf(one) < pathOf(other) ? -1 : 1));
  return { files: inOrder, truncated: diff.truncated || direct.truncated };
}

/**
 * What differs from the carried tree is `changed`, `new` or `gone`, whatever the two patches say; the rest is `rebased`
 * when its content came along with the target, else `unchanged`.
 */
export function labelFiles(diffs: { before: Diff; after: Diff; whole: Diff }): Map<string, SinceLabel> {
  const labels = new Map<string, SinceLabel>();
  const before = new Map(diffs.before.files.map((file) => [pathOf(file), file]));
  const after = new Map(diffs.after.files.map((file) => [pathOf(file), file]));
  for (const [path, file] of after) {
    const earlier = before.get(path);
    const isSame = earlier?.newOid === file.newOid && earlier.newMode === file.newMode;
    labels.set(path, isSame ? 'unchanged' : 'rebased');
  }
  for (const path of before.keys()) if (!after.has(path)) labels.set(path, 'gone');
  for (const file of diffs.whole.files) {
    const path = pathOf(file);
    const wasThere = before.has(path) || before.has(file.oldPath);
    const isThere = after.has(path) || after.has(file.oldPath);
    // A file that was given another name counts once, under the name it has now.
    if (file.status === 'renamed' && labels.get(file.oldPath) === 'gone') labels.delete(file.oldPath);
    labels.set(path, wasThere === isThere ? 'changed' : isThere ? 'new' : 'gone');
  }
  return labels;
}
