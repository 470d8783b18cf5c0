// What a reader of a tutorial has read. It is kept hunk by hunk, so that a later revision asks only for what is new.
import { requireAccount } from '../accounts/guard.ts';
import type { Account, Caller } from '../accounts/model.ts';
import { getRevision } from '../branches/find.ts';
import type { Branch } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import type { Diff, DiffFile } from '../git/diff.ts';
import { ForgeError } from '../lib/errors.ts';
import { diffBetween } from '../repos/diff-between.ts';
import type { Repo } from '../repos/model.ts';
import { requireRight } from '../repos/rights.ts';
import { shownTutorial } from './find.ts';
import { hunkMarks, keyOf } from './hunk-mark.ts';
import type { StepProgress, TutorialStep } from './model.ts';
import { deleteViewed, insertViewed, listViewed } from './viewed-store.ts';

export interface TutorialOrder {
  repo: Repo;
  branch: Branch;
  caller: Caller;
}

/** An account of somebody's own, which may write; a key of the repository reads nothing. */
export function requireReader(forge: Forge, { repo, caller }: TutorialOrder): Account {
  requireRight(forge, caller, { repo, right: 'read' });
  const account = requireAccount(caller, 'write');
  if (account.kind !== 'system') return account;
  throw new ForgeError('forbidden', 'This credential belongs to no person and no agent. Sign in as one.');
}

/**
 * Marks every hunk of a step as viewed, or takes the marks back. Refuses (`not_found`) a step that is not there and
 * (`conflict`) when the tutorial explains another `revision` than the reader saw.
 */
export async function viewStep(
  forge: Forge,
  order: TutorialOrder & { step: number; revision?: number | undefined; isViewed: boolean },
): Promise<StepProgress> {
  const account = requireReader(forge, order);
  const { branch, isViewed } = order;
  const { step, revision } = stepOf(forge, order);
  const { baseOid, headOid } = getRevision(forge, branch.id, revision);
  const diff = await diffBetween(forge, { repoId: branch.repoId, baseOid, headOid });
  const marks = marksOf(diff, step);
  const viewer = { accountId: account.id, branchId: branch.id };
  forge.db.transaction(() => setMarks(forge, viewer, { marks, isViewed }));
  return { step: order.step, revision, hunks: marks.length, viewedHunks: isViewed ? marks.length : 0 };
}

/** Marks every hunk of a file of the branch, in whatever step it is, or takes the marks back. */
export function markFile(
  forge: Forge,
  { file, isViewed, ...viewer }: { accountId: number; branchId: number; file: DiffFile; isViewed: boolean },
): void {
  setMarks(forge, viewer, { marks: [...hunkMarks([file]).values()], isViewed });
}

/** The marks of an account on a branch; none for nobody. */
export const viewedMarks = (forge: Forge, branch: Branch, accountId: number | undefined): Set<string> =>
  new Set(accountId === undefined ? [] : listViewed(forge.db, { accountId, branchId: branch.id }));

function stepOf(
  forge: Forge,
  { branch, step: number, revision }: { branch: Branch; step: number; revision?: number | undefined },
): { step: TutorialStep; revision: number } {
  const tutorial = shownTutorial(forge, branch.id);
  const step = tutorial?.body?.steps[number - 1];
  if (tutorial === undefined || step === undefined) {
    throw new ForgeError('not_found', `The tutorial of #${branch.number} has no step ${number}.`);
  }
  if (revision === undefined || revision === tutorial.revision) return { step, revision: tutorial.revision };
  throw new ForgeError(
    'conflict',
    `The tutorial explains revision ${tutorial.revision} now, not ${revision}. Load the page again.`,
  );
}

function marksOf(diff: Diff, step: TutorialStep): string[] {
  const marks = hunkMarks(diff.files);
  return step.hunks.flatMap((key) => marks.get(keyOf(key)) ?? []);
}

function setMarks(
  forge: Forge,
  viewer: { accountId: number; branchId: number },
  { marks, isViewed }: { marks: readonly string[]; isViewed: boolean },
): void {
  if (isViewed) checkRoom(forge, viewer, marks.length);
  const at = forge.clock.now();
  for (const mark of marks) {
    if (isViewed) insertViewed(forge.db, { ...viewer, mark, at });
    else deleteViewed(forge.db, { ...viewer, mark });
  }
}

function checkRoom(forge: Forge, viewer: { accountId: number; branchId: number }, more: number): void {
  const { maxViewedHunks } = forge.config.tutorials;
  if (listViewed(forge.db, viewer).length + more <= maxViewedHunks) return;
  throw new ForgeError(
    'limited',
    `At most ${maxViewedHunks} hunks of a branch are kept as viewed. Read the rest without marks.`,
  );
}
