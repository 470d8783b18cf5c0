// The SQL of the figures: how many there are of what, by state. Every question is answered by an index or is about a table
// that stays small, for it is asked again every few seconds.
import type { Db } from '../db/open.ts';

export interface Count {
  label: string;
  count: number;
}

export const countBranches = (db: Db): Count[] =>
  db.all<Count>('SELECT state AS label, count(*) AS count FROM branches GROUP BY state');

export const countOne = (db: Db, table: 'repos' | 'accounts' | 'ci_pause'): number =>
  db.get<{ count: number }>(`SELECT count(*) AS count FROM ${table}`)?.count ?? 0;

// Spelled as in the partial index lane_attempts_live.
const live = `a.state IN ('queued', 'running', 'cancelling')`;

export const countWaitingLanes = (db: Db): Count[] =>
  db.all<Count>(
    `SELECT a.reason AS label, count(*) AS count FROM lane_attempts a
      WHERE a.state = 'queued' AND ${live} GROUP BY a.reason`,
  );

export const countRunningLanes = (db: Db): Count[] =>
  db.all<Count>(
    `SELECT l.target AS label, count(*) AS count FROM lane_attempts a JOIN lanes l ON l.id = a.lane_id
      WHERE a.state IN ('running', 'cancelling') AND ${live} GROUP BY l.target`,
  );

export const countLandings = (db: Db): Count[] =>
  db.all<Count>(
    `SELECT state AS label, count(*) AS count FROM landings
      WHERE state IN ('waiting', 'queued', 'testing', 'landing') GROUP BY state`,
  );

export const countTutorials = (db: Db): Count[] =>
  db.all<Count>(
    `SELECT state AS label, count(*) AS count FROM tutorials WHERE state IN ('queued', 'running') GROUP BY state`,
  );

export const countDeliveries = (db: Db): Count[] =>
  db.all<Count>(
    `SELECT 'queued' AS label, count(*) AS count FROM webhook_deliveries WHERE state = 'queued'
      UNION ALL SELECT 'sending', count(*) FROM webhook_deliveries WHERE state = 'sending'`,
  );

/** When the one that waits longest was queued. */
export const oldestWaitingLane = (db: Db): number | undefined =>
  db.get<{ at: number | null }>(
    `SELECT min(a.queued_at) AS at FROM lane_attempts a WHERE a.state = 'queued' AND ${live}`,
  )?.at ?? undefined;

export interface BrokenBranch {
  owner: string;
  repo: string;
  number: number;
  name: string;
  reason: string;
}

export const listBroken = (db: Db, limit: number): BrokenBranch[] =>
  db.all<BrokenBranch>(
    `SELECT r.owner, r.name AS repo, b.number, b.name, b.broken_reason AS reason
       FROM branches b JOIN repos r ON r.id = b.repo_id
      WHERE b.state = 'open' AND b.broken_reason IS NOT NULL ORDER BY b.id LIMIT :limit`,
    { limit },
  );

export interface PausedQueue {
  owner: string;
  repo: string;
  reason: string;
  by: string | null;
}

export const listPausedQueues = (db: Db, limit: number): PausedQueue[] =>
  db.all<PausedQueue>(
    `SELECT r.owner, r.name AS repo, p.reason, a.name AS by FROM landing_pauses p
       JOIN repos r ON r.id = p.repo_id LEFT JOIN accounts a ON a.id = p.paused_by ORDER BY r.id LIMIT :limit`,
    { limit },
  );

export interface FailedCare {
  owner: string;
  repo: string;
  error: string | null;
}

export const listFailedCare = (db: Db, limit: number): FailedCare[] =>
  db.all<FailedCare>(
    `SELECT r.owner, r.name AS repo, h.error FROM housekeeping h JOIN repos r ON r.id = h.repo_id
      WHERE h.state = 'failed' ORDER BY r.id LIMIT :limit`,
    { limit },
  );

export interface FailingWebhook {
  owner: string;
  repo: string;
  id: number;
  failures: number;
}

export const listFailingWebhooks = (db: Db, where: { failures: number; limit: number }): FailingWebhook[] =>
  db.all<FailingWebhook>(
    `SELECT r.owner, r.name AS repo, h.id, h.failures FROM webhooks h JOIN repos r ON r.id = h.repo_id
      WHERE h.active = 1 AND h.failures >= :failures ORDER BY h.failures DESC, h.id LIMIT :limit`,
    where,
  );

export interface FailedTutorials {
  count: number;
  message: string | null;
}

/** Of the branches that are open, by their newest row. */
export const failedTutorials = (db: Db, since: number): FailedTutorials =>
  db.get<FailedTutorials>(
    `SELECT count(*) AS count, max(t.message) AS message FROM tutorials t JOIN branches b ON b.id = t.branch_id
      WHERE t.state = 'failed' AND t.revision = b.revision AND b.state = 'open' AND t.finished_at >= :since`,
    { since },
  ) ?? { count: 0, message: null };

export const databaseBytes = (db: Db): { bytes: number; freeBytes: number } =>
  db.get<{ bytes: number; freeBytes: number }>(
    `SELECT c.page_count * s.page_size AS bytes, f.freelist_count * s.page_size AS freeBytes
       FROM pragma_page_count() c, pragma_page_size() s, pragma_freelist_count() f`,
  ) ?? { bytes: 0, freeBytes: 0 };

export const lfsBytes = (db: Db): number =>
  db.get<{ bytes: number | null }>('SELECT sum(size) AS bytes FROM lfs_objects')?.bytes ?? 0;
