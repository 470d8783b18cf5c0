// What the Changes tab says beside the difference itself: which two revisions are read, what became of each file since,
// which files the reader has viewed, and how much is said of them.
import type { Caller } from '../accounts/model.ts';
import { listRevisions } from '../branches/find.ts';
import type { Branch, Revision } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import type { Diff } from '../git/diff.ts';
import { anchorOfFile, pathOf } from '../repos/file-view.ts';
import type { Repo } from '../repos/model.ts';
import { lastReviewed, rangeOf } from '../reviews/range.ts';
import type { Since } from '../reviews/since.ts';
import type { TalkThread } from '../reviews/talk-view.ts';
import { sinceLabels, type SinceLabel } from '../reviews/viewed-model.ts';
import { viewedOf } from '../reviews/viewed.ts';
import { visibleName } from '../web/filters.ts';

/** As the address asks for it. */
export interface AskedRange {
  since?: number | 'review' | undefined;
  revision?: number | undefined;
}

export interface RangePlace {
  repo: Repo;
  branch: Branch;
  revision: Revision;
  caller: Caller;
}

interface FileMark {
  path: string;
  /** Undefined for whoever keeps no marks, and for files that the branch does not change any more. */
  isViewed: boolean | undefined;
  label: SinceLabel | undefined;
  isConflict: boolean;
  threads: number;
}

export interface Marks {
  /** By the anchor of the file. */
  marks: Record<string, FileMark>;
  viewed: { count: number; total: number } | undefined;
  /** What a form about a file of this page says of the page. */
  head: string;
  since: number | undefined;
  revision: number;
}

/** The revision to read, and the one it is held against; without that, its merge base. */
export function readRange(
  forge: Forge,
  place: { branch: Branch; caller: Caller },
  { since, revision }: AskedRange,
): { since?: Revision; revision: Revision } {
  const { from, to } = rangeOf(forge, place, { since: since ?? place.branch.revision, revision });
  return since === undefined ? { revision: to } : { revision: to, since: from };
}

export async function marksOf(
  forge: Forge,
  place: RangePlace,
  shown: { diff: Diff; since: Since | undefined; byPath: ReadonlyMap<string, TalkThread[]> },
): Promise<Marks> {
  const { caller, revision } = place;
  const { diff, since, byPath } = shown;
  const mayMark = caller.account !== undefined && caller.scope !== 'read';
  const viewed = mayMark ? await viewedOf(forge, place) : undefined;
  const marks: Marks['marks'] = {};
  for (const file of diff.files) {
    const path = pathOf(file);
    const label = since?.labels.get(path);
    marks[anchorOfFile(file)] = {
      path,
      isViewed: label === 'gone' ? undefined : viewed?.paths.has(path),
      label,
      isConflict: since?.conflicts.has(path) ?? false,
      threads: (byPath.get(path) ?? []).filter(({ isResolved }) => !isResolved).length,
    };
  }
  return {
    marks,
    viewed: viewed && { count: viewed.paths.size, total: viewed.total },
    head: revision.headOid,
    since: since?.from.number,
    revision: revision.number,
  };
}

const labelWords: Record<SinceLabel, string> = {
  changed: 'changed',
  new: 'new',
  gone: 'gone',
  rebased: 'only rebased',
  unchanged: 'unchanged',
};

export interface RangeBar {
  /** The newest first. */
  revisions: number[];
  since: number | undefined;
  revision: number;
  /** The revision that the reader reviewed last, when there is a newer one. */
  reviewed: number | undefined;
  isRebased: boolean;
  counts: { words: string; count: number }[];
  /** Files are gone from the branch: taken back, or in the target by now. */
  hasGone: boolean;
  /** The files that need no second look. */
  rest: { name: string; words: string }[];
}

/** Undefined while there is nothing to choose from. */
export function rangeBar(
  forge: Forge,
  { branch, caller, revision }: RangePlace,
  since: Since | undefined,
): RangeBar | undefined {
  const revisions = listRevisions(forge, branch.id)
    .filter(({ unpinnedAt }) => unpinnedAt === undefined)
    .map(({ number }) => number);
  if (revisions.length < 2) return undefined;
  const reviewed = lastReviewed(forge, branch, caller);
  const shown = new Set(since?.diff.files.map(pathOf));
  const labels = [...(since?.labels ?? [])];
  return {
    revisions: revisions.toReversed(),
    since: since?.from.number,
    revision: revision.number,
    reviewed: reviewed === branch.revision ? undefined : reviewed,
    isRebased: since?.isRebased ?? false,
    counts: sinceLabels
      .map((label) => ({
        words: labelWords[label],
        count: labels.filter(([, each]) => each === label).length,
      }))
      .filter(({ count }) => count > 0),
    hasGone: labels.some(([, label]) => label === 'gone'),
    rest: labels
      .filter(([path]) => !shown.has(path))
      .map(([path, label]) => ({ name: visibleName(path), words: labelWords[label] })),
  };
}
