// The SQL of debug shells.
import type { Db } from '../../db/open.ts';

export type ShellEnding =
  | 'left'
  | 'time_limit'
  | 'right_lost'
  | 'stopped'
  | 'over_limit'
  | 'forge_stopped'
  | 'forge_died';

export interface ShellRow {
  id: number;
  attemptId: number;
  accountName: string;
  openedAt: number;
  endsBy: number;
  endedAt: number | null;
  ending: ShellEnding | null;
}

const selectShell = `SELECT s.id, s.attempt_id AS attemptId, who.name AS accountName, s.opened_at AS openedAt,
         s.ends_by AS endsBy, s.ended_at AS endedAt, s.ending
    FROM lane_shells s JOIN accounts who ON who.id = s.account_id`;

/** Its id; undefined when another one is open in the attempt. */
export function insertShell(
  db: Db,
  shell: { attemptId: number; accountId: number; openedAt: number; endsBy: number },
): number | undefined {
  return db.get<{ id: number }>(
    `INSERT INTO lane_shells (attempt_id, account_id, opened_at, ends_by)
     VALUES (:attemptId, :accountId, :openedAt, :endsBy) ON CONFLICT DO NOTHING RETURNING id`,
    shell,
  )?.id;
}

export function endShellRow(db: Db, end: { id: number; endedAt: number; ending: ShellEnding }): boolean {
  const sql = `UPDATE lane_shells SET ended_at = :endedAt, ending = :ending WHERE id = :id AND ended_at IS NULL`;
  return db.run(sql, end).changes === 1;
}

export const listOpenShells = (db: Db): ShellRow[] => db.all(`${selectShell} WHERE s.ended_at IS NULL`);

/** Newest first. */
export const listShellsOfAttempt = (db: Db, attemptId: number, limit: number): ShellRow[] =>
  db.all(`${selectShell} WHERE s.attempt_id = :attemptId ORDER BY s.id DESC LIMIT :limit`, {
    attemptId,
    limit,
  });
