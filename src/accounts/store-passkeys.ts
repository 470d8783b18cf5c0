// The SQL of passkeys.
import type { Db } from '../db/open.ts';

export interface PasskeyRow {
  id: number;
  accountId: number;
  /** Base64url, as is `publicKey` (COSE). */
  credentialId: string;
  publicKey: string;
  counter: number;
  /** JSON. */
  transports: string;
  label: string;
  createdAt: number;
  lastUsedAt: number | null;
}

const select = `SELECT id, account_id AS accountId, credential_id AS credentialId, public_key AS publicKey, counter,
    transports, label, created_at AS createdAt, last_used_at AS lastUsedAt
  FROM passkeys`;

export const listPasskeyRows = (db: Db, accountId: number): PasskeyRow[] =>
  db.all(`${select} WHERE account_id = :accountId ORDER BY id`, { accountId });

export const findPasskey = (db: Db, credentialId: string): PasskeyRow | undefined =>
  db.get(`${select} WHERE credential_id = :credentialId`, { credentialId });

export const insertPasskey = (db: Db, row: Omit<PasskeyRow, 'id' | 'lastUsedAt'>): number =>
  db.run(
    `INSERT INTO passkeys (account_id, credential_id, public_key, counter, transports, label, created_at)
     VALUES (:accountId, :credentialId, :publicKey, :counter, :transports, :label, :createdAt)`,
    { ...row },
  ).lastId;

/** The counter of an authenticator only grows; false: another proof came first, with this count or a later one. */
export const recordPasskeyUse = (db: Db, use: { id: number; counter: number; now: number }): boolean =>
  db.run(
    `UPDATE passkeys SET counter = :counter, last_used_at = :now
      WHERE id = :id AND (counter < :counter OR (counter = 0 AND :counter = 0))`,
    use,
  ).changes === 1;

export const renamePasskeyRow = (db: Db, change: { id: number; accountId: number; label: string }): boolean =>
  db.run('UPDATE passkeys SET label = :label WHERE id = :id AND account_id = :accountId', change).changes ===
  1;

export const deletePasskey = (db: Db, where: { id: number; accountId: number }): boolean =>
  db.run('DELETE FROM passkeys WHERE id = :id AND account_id = :accountId', where).changes === 1;
