// Which files of a branch an account has viewed. A mark is kept by the patch of the file, so a branch that is only
// rebased has nothing to look at again, and a file that changes loses its mark by itself.
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
    if (isViewed) {
      removeViewed(forge.db, row);
      checkRoomForMark(forge, row);
      insertViewed(forge.db, { ...row, patch: filePatch(file), now: forge.clock.now() });
    } else removeViewed(forge.db, row);
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
  // Only files with a mark are hashed: most pages of large differences have none.
  const viewed = files.filter((file) => {
    const patch = patches.get(pathOf(file));
    return patch !== undefined && patch === filePatch(file);
  });
  return { paths: new Set(viewed.map(pathOf)), total: files.length };
}

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
