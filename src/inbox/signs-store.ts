// What the rooms below say about a branch that somebody may want to know. It reads their tables and writes none.
import type { Db } from '../db/open.ts';

/**
 * The people who are asked for a review: the owner of the repository and its members who may write. Where these are nobody,
 * for the repository belongs to a name that is no account, the admins.
 */
export function listReviewerIds(db: Db, repo: { id: number; owner: string }): number[] {
  const people = `kind = 'person' AND disabled_at IS NULL`;
  const named = db.all<{ id: number }>(
    `SELECT id FROM accounts WHERE ${people} AND (lower(name) = lower(:owner) OR id IN
       (SELECT account_id FROM repo_members WHERE repo_id = :id AND role IN ('write', 'maintain')))`,
    repo,
  );
  const rows =
    named.length > 0
      ? named
      : db.all<{ id: number }>(`SELECT id FROM accounts WHERE ${people} AND role = 'admin'`);
  return rows.map(({ id }) => id);
}

/** Another text whenever somebody comes or goes, or may do more or less: then everything is asked anew of everybody. */
export const markOfPeople = (db: Db): string =>
  db.get<{ mark: string }>(
    `SELECT (SELECT count(*) || ' ' || total(id) || ' ' || count(*) FILTER (WHERE role = 'admin') FROM accounts
             WHERE disabled_at IS NULL)
         || ' ' || (SELECT count(*) || ' ' || total((repo_id * 7919 + account_id) * length(role)) FROM repo_members) AS mark`,
  )?.mark ?? '';

export const isDraft = (db: Db, branchId: number): boolean =>
  db.get('SELECT 1 FROM branch_drafts WHERE branch_id = :branchId', { branchId }) !== undefined;

export interface ReviewSign {
  id: number;
  accountId: number;
  verdict: string;
  at: number;
  /** Whether the branch has changed since: by its patch where both are known, else by its head. */
  isOutdated: number;
}

/** The newest review of each account, the newest of all last. */
export const listNewestReviews = (db: Db, branchId: number): ReviewSign[] =>
  db.all(
    `SELECT review.id, review.account_id AS accountId, review.verdict, review.created_at AS at,
       (review.head_oid <> branch.head_oid OR read.base_oid IS NOT now.base_oid)
         AND (given.patch IS NULL OR given.patch IS NOT present.patch) AS isOutdated
     FROM reviews AS review JOIN branches AS branch ON branch.id = review.branch_id
     JOIN revisions AS read ON read.branch_id = branch.id AND read.number = review.revision
     JOIN revisions AS now ON now.branch_id = branch.id AND now.number = branch.revision
     LEFT JOIN revision_patches AS given ON given.branch_id = branch.id AND given.revision = review.revision
     LEFT JOIN revision_patches AS present ON present.branch_id = branch.id AND present.revision = branch.revision
     WHERE review.id IN (SELECT max(id) FROM reviews WHERE branch_id = :branchId GROUP BY account_id)
     ORDER BY review.id`,
    { branchId },
  );

/** Who was asked by name for a review and has not given one since. */
export const listOpenRequests = (
  db: Db,
  branchId: number,
): { accountId: number; byId: number; at: number }[] =>
  db.all(
    `SELECT request.account_id AS accountId, request.by_id AS byId, request.at
     FROM review_requests AS request JOIN accounts AS account ON account.id = request.account_id
     WHERE request.branch_id = :branchId AND account.disabled_at IS NULL
       AND NOT EXISTS (SELECT 1 FROM reviews WHERE branch_id = request.branch_id
                       AND account_id = request.account_id AND id > request.after_review)`,
    { branchId },
  );

export interface WordSign {
  id: number;
  accountId: number;
  byId: number;
  at: number;
}

/** The newest mention of each account. */
export const listNewestMentions = (db: Db, branchId: number): WordSign[] =>
  db.all(
    `SELECT max(mention.id) AS id, mention.account_id AS accountId, mention.by_id AS byId, mention.at
     FROM review_mentions AS mention LEFT JOIN review_comments AS comment ON comment.id = mention.comment_id
     WHERE mention.branch_id = :branchId AND mention.by_id <> mention.account_id AND comment.deleted_at IS NULL
     GROUP BY mention.account_id`,
    { branchId },
  );

/**
 * For everybody who is in a conversation, and for the author of the branch: the newest comment of somebody else. What came
 * with a review is told as that review to the author.
 */
export const listNewestComments = (
  db: Db,
  where: { branchId: number; authorId: number | null },
): WordSign[] =>
  db.all(
    `WITH said AS (
       SELECT comment.id, comment.thread_id, comment.account_id, comment.review_id, comment.published_at AS at
       FROM review_comments AS comment JOIN review_threads AS thread ON thread.id = comment.thread_id
       WHERE thread.branch_id = :branchId AND comment.published_at IS NOT NULL AND comment.deleted_at IS NULL
     ), heard AS (
       SELECT said.id, mine.account_id AS accountId, said.account_id AS byId, said.at
       FROM said JOIN said AS mine ON mine.thread_id = said.thread_id AND mine.id < said.id
       WHERE mine.account_id <> said.account_id
       UNION
       SELECT said.id, :authorId, said.account_id, said.at FROM said
       WHERE :authorId IS NOT NULL AND said.account_id <> :authorId AND said.review_id IS NULL
     )
     SELECT max(id) AS id, accountId, byId, at FROM heard GROUP BY accountId`,
    where,
  );

export interface RunSign {
  id: number;
  state: string;
  problem: string | null;
  at: number | null;
  failing: string | null;
}

/** The run of the newest revision, with the titles of the lanes that failed. */
export const findRunSign = (db: Db, branch: { branchId: number; revision: number }): RunSign | undefined =>
  db.get(
    `SELECT run.id, run.state, run.problem, run.finished_at AS at,
       (SELECT group_concat(lane.title, ', ') FROM lanes AS lane JOIN lane_attempts AS attempt ON attempt.lane_id = lane.id
        WHERE lane.run_id = run.id AND attempt.state = 'failed'
          AND attempt.number = (SELECT max(number) FROM lane_attempts WHERE lane_id = lane.id)) AS failing
     FROM runs AS run WHERE run.branch_id = :branchId AND run.revision = :revision AND run.kind = 'branch'
     ORDER BY run.id DESC LIMIT 1`,
    branch,
  );

export interface LandingSign {
  id: number;
  state: string;
  actorId: number;
  headOid: string;
  why: string | null;
  at: number | null;
  endedById: number | null;
}

export const findNewestLanding = (db: Db, branchId: number): LandingSign | undefined =>
  db.get(
    `SELECT id, state, actor_id AS actorId, head_oid AS headOid, end_message AS why, ended_at AS at,
       ended_by AS endedById
     FROM landings WHERE branch_id = :branchId ORDER BY id DESC LIMIT 1`,
    { branchId },
  );

export const findSettler = (db: Db, branchId: number): number | undefined =>
  db.get<{ by: number | null }>('SELECT settled_by AS by FROM branches WHERE id = :branchId', { branchId })
    ?.by ?? undefined;
