// The SQL of mail. It reads the inbox's rows, of which it tells, and writes none of them.
import type { Db } from '../db/open.ts';
import type { InboxKind } from '../inbox/model.ts';
import type { Mail, MailChoice, MailReason } from './model.ts';

interface ChoiceRow {
  accountId: number;
  address: string;
  kinds: string;
  askedAt: number;
  confirmedAt: number | null;
}

export function findChoice(db: Db, accountId: number): MailChoice | undefined {
  const row = db.get<ChoiceRow>(
    `SELECT account_id AS accountId, address, kinds, asked_at AS askedAt, confirmed_at AS confirmedAt
     FROM mail_choices WHERE account_id = :accountId`,
    { accountId },
  );
  return (
    row && { ...row, kinds: JSON.parse(row.kinds) as InboxKind[], confirmedAt: row.confirmedAt ?? undefined }
  );
}

export function putChoice(db: Db, { kinds, confirmedAt, ...choice }: MailChoice): void {
  db.run(
    `INSERT INTO mail_choices (account_id, address, kinds, asked_at, confirmed_at)
     VALUES (:accountId, :address, :kinds, :askedAt, :confirmedAt)
     ON CONFLICT (account_id) DO UPDATE SET address = :address, kinds = :kinds, asked_at = :askedAt,
       confirmed_at = :confirmedAt`,
    { ...choice, kinds: JSON.stringify(kinds), confirmedAt: confirmedAt ?? null },
  );
}

/** What waits for the account goes with its choice. */
export function deleteChoice(db: Db, accountId: number): boolean {
  db.run(`DELETE FROM mails WHERE account_id = :accountId AND state = 'queued'`, { accountId });
  return db.run('DELETE FROM mail_choices WHERE account_id = :accountId', { accountId }).changes === 1;
}

export const listToldAccountIds = (db: Db): number[] =>
  db
    .all<{ id: number }>(
      `SELECT choice.account_id AS id FROM mail_choices AS choice JOIN accounts AS who ON who.id = choice.account_id
       WHERE choice.confirmed_at IS NOT NULL AND who.disabled_at IS NULL`,
    )
    .map(({ id }) => id);

/** News that nobody read since the address was confirmed, of the kinds that were chosen. */
const newsOf = `FROM inbox_items AS item JOIN mail_choices AS choice ON choice.account_id = item.account_id
  LEFT JOIN mail_told AS told ON told.account_id = item.account_id AND told.branch_id = item.branch_id
    AND told.kind = item.kind
  WHERE item.account_id = :accountId AND item.dismissed_at IS NULL AND item.read_at IS NULL
    AND choice.confirmed_at IS NOT NULL AND item.at >= choice.confirmed_at AND told.key IS NOT item.key
    AND item.kind IN (SELECT value FROM json_each(choice.kinds))`;

export const listNewsBranchIds = (db: Db, accountId: number): number[] =>
  db.all<{ id: number }>(`SELECT DISTINCT item.branch_id AS id ${newsOf}`, { accountId }).map(({ id }) => id);

export const listReasons = (db: Db, of: { accountId: number; branchId: number }): MailReason[] =>
  db
    .all<Omit<MailReason, 'byName'> & { byName: string | null }>(
      `SELECT item.kind, item.key, item.at, item.detail,
         (SELECT name FROM accounts WHERE id = item.by_id) AS byName
       ${newsOf} AND item.branch_id = :branchId ORDER BY item.at DESC, item.kind`,
      of,
    )
    .map(({ byName, ...row }) => ({ ...row, byName: byName ?? undefined }));

export function putTold(
  db: Db,
  told: { accountId: number; branchId: number; kind: InboxKind; key: string },
): void {
  db.run(
    `INSERT INTO mail_told (account_id, branch_id, kind, key) VALUES (:accountId, :branchId, :kind, :key)
     ON CONFLICT (account_id, branch_id, kind) DO UPDATE SET key = :key`,
    told,
  );
}

export const countWaiting = (db: Db): number =>
  db.get<{ n: number }>(`SELECT count(*) AS n FROM mails WHERE state IN ('queued', 'sending')`)?.n ?? 0;

/** Nothing happens when such a mail waits already: it will tell this too. */
export function insertMail(
  db: Db,
  mail: { accountId: number; branchId: number | null; dueAt: number; now: number },
): void {
  db.run(
    `INSERT INTO mails (account_id, branch_id, due_at, created_at) VALUES (:accountId, :branchId, :dueAt, :now)
     ON CONFLICT DO NOTHING`,
    mail,
  );
}

type MailRow = Omit<Mail, 'branchId'> & { branchId: number | null };

/** Takes the mail that is due the longest. */
export function claimDueMail(db: Db, claim: { now: number; leaseUntil: number }): Mail | undefined {
  const row = db.get<MailRow>(
    `UPDATE mails SET state = 'sending', token = token + 1, lease_until = :leaseUntil
     WHERE id = (SELECT id FROM mails WHERE state = 'queued' AND due_at <= :now ORDER BY due_at, id LIMIT 1)
     RETURNING id, account_id AS accountId, branch_id AS branchId, token, attempts`,
    claim,
  );
  return row && { ...row, branchId: row.branchId ?? undefined };
}

/** False when the claim is not the newest any more; then nothing is written. */
export const endMail = (
  db: Db,
  end: { id: number; token: number; state: 'sent' | 'failed'; message: string | null; now: number },
): boolean =>
  db.run(
    `UPDATE mails SET state = :state, message = :message, finished_at = :now, lease_until = NULL,
       attempts = attempts + 1 WHERE id = :id AND state = 'sending' AND token = :token`,
    end,
  ).changes === 1;

/** Waits for another attempt, unless a newer mail of the same waits already, which tells everything. */
export function retryMail(
  db: Db,
  retry: { id: number; token: number; message: string; dueAt: number },
): void {
  const { id, token } = retry;
  const { changes } = db.run(
    `UPDATE OR IGNORE mails SET state = 'queued', message = :message, due_at = :dueAt, lease_until = NULL,
       attempts = attempts + 1 WHERE id = :id AND state = 'sending' AND token = :token`,
    retry,
  );
  if (changes === 0) deleteMail(db, { id, token });
}

export function deleteMail(db: Db, claim: { id: number; token: number }): void {
  db.run(`DELETE FROM mails WHERE id = :id AND state = 'sending' AND token = :token`, claim);
}

/** Puts back what a forge that ended, or a send that never came back, had taken. */
export function requeueLostMails(db: Db, where: { leaseBefore: number }): void {
  db.run(
    `UPDATE OR REPLACE mails SET state = 'queued', lease_until = NULL
     WHERE state = 'sending' AND lease_until < :leaseBefore`,
    where,
  );
}

export function deleteMailsBefore(db: Db, before: number): void {
  db.run('DELETE FROM mails WHERE finished_at < :before', { before });
}

export interface MailTrouble {
  account: string;
  address: string | null;
  state: string;
  attempts: number;
  message: string;
  createdAt: number;
}

/** Mails that could not be sent yet, or not at all, the newest first. */
export const listTroubles = (db: Db, limit: number): MailTrouble[] =>
  db.all(
    `SELECT who.name AS account, choice.address, mail.state, mail.attempts, mail.message, mail.created_at AS createdAt
     FROM mails AS mail JOIN accounts AS who ON who.id = mail.account_id
     LEFT JOIN mail_choices AS choice ON choice.account_id = mail.account_id
     WHERE mail.message IS NOT NULL AND mail.state <> 'sent' ORDER BY mail.id DESC LIMIT :limit`,
    { limit },
  );
