// Which files of a branch an account has viewed: those of which it has viewed every hunk, be it here or step by step in
// the tutorial. A mark is kept by what a hunk does, so a branch that is only rebased has nothing to look at again, and
// a file that changes loses its mark by itself.
import { recordAudit } from '../accounts/audit.ts';
import type { Caller } from '../accounts/model.ts';
import { listRevisions } from '../branches/find.ts';
import type { Branch, Revision } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import type { DiffFile } from '../git/diff.ts';
import { ForgeError } from '../lib/errors.ts';
import { diffBetween } from '../repos/diff-between.ts';
import { filePatch } from '../repos/file-patch.ts';
import { pathOf } from '../repos/file-view.ts';
import type { Repo } from '../repos/model.ts';
import { hunksOf } from '../tutorials/coverage.ts';
import { hunkMarks, keyOf } from '../tutorials/hunk-mark.ts';
import { markFile, viewedMarks } from '../tutorials/view-step.ts';
import { requireVoice, subjectOf, type ReviewOrder } from './author.ts';
import { countViewedRows, insertViewed, listViewedRows, removeViewed } from './viewed-store.ts';

export interface ViewedOrder extends ReviewOrder {
  /** As the difference calls the file. */
  path: string;
  isViewed: boolean;
  /** The head that was read. */
  head: string;
}

export interface Viewed {
  /** The paths of a revision's files that need no second look. */
  paths: Set<string>;
  total: number;
}

/** Marks a file of a revision as viewed, or takes the mark back. Refuses (`not_found`) what that revision has not. */
export async function markViewed(forge: Forge, order: ViewedOrder): Promise<Viewed & { revision: Revision }> {
  const { branch, path, isViewed, head } = order;
  const account = requireVoice(forge, order);
  const revision = listRevisions(forge, branch.id).findLast(({ headOid }) => headOid === head);
  if (revision === undefined) {
    throw new ForgeError('not_found', `head: no revision of branch #${branch.number} has the head ${head}.`);
  }
  const file = (await filesOf(forge, { ...order, revision })).find((each) => pathOf(each) === path);
  if (file === undefined) {
    throw new ForgeError('not_found', `path: revision ${revision.number} does not change ${path}.`);
  }
  const row = { accountId: account.id, branchId: branch.id, path };
  forge.db.transaction(() => {
    removeViewed(forge.db, row);
    if (isViewed) {
      checkRoomForMark(forge, row);
      insertViewed(forge.db, { ...row, patch: byHunks, now: forge.clock.now() });
    }
    markFile(forge, { ...row, file, isViewed });
    const action = isViewed ? 'review.view' : 'review.unview';
    recordAudit(forge, order.caller, { action, subject: subjectOf(order), detail: { path } });
  });
  return { revision, ...(await viewedOf(forge, { ...order, revision })) };
}

/** What the caller has viewed of a revision; nothing for nobody. */
export async function viewedOf(
  forge: Forge,
  place: { repo: Repo; branch: Branch; caller: Caller; revision: Revision },
): Promise<Viewed> {
  const files = await filesOf(forge, place);
  const { account } = place.caller;
  const rows =
    account === undefined
      ? []
      : listViewedRows(forge.db, { accountId: account.id, branchId: place.branch.id });
  const patches = new Map(rows.map(({ path, patch }) => [path, patch]));
  const hunks = viewedMarks(forge, place.branch, account?.id);
  // Nothing is hashed for whoever has viewed nothing, as on most pages of large differences.
  const marks = hunks.size === 0 ? undefined : hunkMarks(files);
  const viewed = files.filter((file) => {
    const patch = patches.get(pathOf(file));
    const isOlderMark = patch !== undefined && patch !== byHunks && patch === filePatch(file);
    return isOlderMark || (marks !== undefined && hasAllOf(file, { marks, hunks }));
  });
  return { paths: new Set(viewed.map(pathOf)), total: files.length };
}

// Files were once marked by the hash of their patch alone; such marks still count.
const byHunks = '';

const hasAllOf = (
  file: DiffFile,
  { marks, hunks }: { marks: ReadonlyMap<string, string>; hunks: ReadonlySet<string> },
): boolean => hunksOf(file).every((key) => hunks.has(marks.get(keyOf(key)) ?? ''));

/** The files that a revision changes. */
export async function filesOf(
  forge: Forge,
  { repo, revision }: { repo: Repo; revision: Revision },
): Promise<DiffFile[]> {
  const { baseOid, headOid } = revision;
  return (await diffBetween(forge, { repoId: repo.id, baseOid, headOid })).files;
}

function checkRoomForMark(forge: Forge, reader: { accountId: number; branchId: number }): void {
  const { maxViewedFilesPerBranch: max } = forge.config.limits;
  if (countViewedRows(forge.db, reader) < max) return;
  throw new ForgeError(
    'limited',
    `At most ${max} files of a branch are marked as viewed. Take some of the marks back.`,
  );
}
