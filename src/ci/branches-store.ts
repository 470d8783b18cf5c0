// The SQL that looks for branches by what CI says of them as well.
import type { BranchState } from '../branches/model.ts';
import type { Db } from '../db/open.ts';
import type { RunState } from './model.ts';

/** What is left out is not asked for. */
export interface BranchFilter {
  /** The name of an account, whatever the case of its letters. */
  author?: string | undefined;
  /** A part of the title, the name or `#12`; letters of ASCII in either case. */
  text?: string | undefined;
  /** The state of the newest run. */
  ci?: RunState | 'none' | undefined;
}

/** The ids, the newest first. */
export const listFilteredIds = (
  db: Db,
  where: BranchFilter & { repoId: number; state: BranchState; beforeId?: number | undefined; limit: number },
): number[] =>
  db
    .all<{ id: number }>(
      `SELECT branch.id FROM branches AS branch
       WHERE branch.repo_id = :repoId AND branch.state = :state AND (:beforeId IS NULL OR branch.id < :beforeId)
         AND (:author IS NULL OR branch.author_id IN (SELECT id FROM accounts WHERE lower(name) = lower(:author)))
         AND (:text IS NULL OR instr(lower(branch.title), lower(:text)) > 0 OR instr(lower(branch.name), lower(:text)) > 0
           OR '#' || branch.number = :text)
         AND (:ci IS NULL OR :ci = ifnull(
           (SELECT run.state FROM runs AS run WHERE run.branch_id = branch.id ORDER BY run.id DESC LIMIT 1), 'none'))
       ORDER BY branch.id DESC LIMIT :limit`,
      {
        repoId: where.repoId,
        state: where.state,
        beforeId: where.beforeId ?? null,
        author: where.author ?? null,
        text: where.text ?? null,
        ci: where.ci ?? null,
        limit: where.limit,
      },
    )
    .map(({ id }) => id);
