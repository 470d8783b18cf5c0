// All SQL of accounts, keys, tokens, sessions, one-time links and the audit log.
import type { Db } from '../db/open.ts';
import { ForgeError } from '../lib/errors.ts';
import type { Account, AccountRole, TokenScope } from './model.ts';

interface AccountRow {
  id: number;
  name: string;
  email: string;
  kind: Account['kind'];
  role: AccountRole;
  created_at: number;
  disabled_at: number | null;
  second_factor_since: number | null;
}

const accountColumns =
  'a.id, a.name, a.email, a.kind, a.role, a.created_at, a.disabled_at, a.second_factor_since';

function toAccount(row: AccountRow): Account {
  const { id, name, email, kind, role } = row;
  return {
    id,
    name,
    email,
    kind,
    role,
    createdAt: row.created_at,
    disabledAt: row.disabled_at ?? undefined,
    secondFactorSince: row.second_factor_since ?? undefined,
  };
}

export function findAccount(db: Db, where: { id: number } | { name: string }): Account | undefined {
  const row =
    'id' in where
      ? db.get<AccountRow>(`SELECT ${accountColumns} FROM accounts a WHERE a.id = :id`, { id: where.id })
      : db.get<AccountRow>(`SELECT ${accountColumns} FROM accounts a WHERE a.name = :name`, {
          name: where.name,
        });
  return row && toAccount(row);
}

/** As `findAccount` by id, but nobody when the account is disabled: for whoever comes with a credential. */
export function findActiveAccount(db: Db, id: number): Account | undefined {
  const account = findAccount(db, { id });
  return account?.disabledAt === undefined ? account : undefined;
}

export function setRole(db: Db, change: { id: number; role: AccountRole }): void {
  db.run('UPDATE accounts SET role = :role WHERE id = :id', change);
}

export function setDisabled(db: Db, change: { id: number; at: number | null }): void {
  db.run('UPDATE accounts SET disabled_at = :at WHERE id = :id', change);
}

export function setSecondFactor(db: Db, change: { id: number; at: number | null }): void {
  db.run('UPDATE accounts SET second_factor_since = :at WHERE id = :id', change);
}

export function listAccountRows(db: Db): Account[] {
  return db.all<AccountRow>(`SELECT ${accountColumns} FROM accounts a ORDER BY a.name`).map(toAccount);
}

export function countAdmins(db: Db): number {
  const sql =
    "SELECT count(*) AS n FROM accounts WHERE role = 'admin' AND kind <> 'system' AND disabled_at IS NULL";
  return db.get<{ n: number }>(sql)?.n ?? 0;
}

export function insertAccount(
  db: Db,
  account: Omit<Account, 'id' | 'disabledAt' | 'secondFactorSince'>,
): Account {
  const { lastId } = db.run(
    `INSERT INTO accounts (name, email, kind, role, created_at) VALUES (:name, :email, :kind, :role, :createdAt)`,
    { ...account },
  );
  return { id: lastId, ...account };
}

export interface KeyRow {
  id: number;
  accountId: number;
  algorithm: string;
  fingerprint: string;
  label: string;
  createdAt: number;
  lastUsedAt: number | null;
}

const keyColumns = `id, account_id AS accountId, algorithm, fingerprint, label, created_at AS createdAt,
  last_used_at AS lastUsedAt`;

export const listKeys = (db: Db, accountId: number): KeyRow[] =>
  db.all(`SELECT ${keyColumns} FROM ssh_keys WHERE account_id = :accountId ORDER BY id`, { accountId });

export const findKeyByBlob = (db: Db, blob: string): KeyRow | undefined =>
  db.get(`SELECT ${keyColumns} FROM ssh_keys WHERE blob = :blob`, { blob });

export interface NewKey {
  accountId: number;
  algorithm: string;
  blob: string;
  fingerprint: string;
  label: string;
  createdAt: number;
}

export function insertKey(db: Db, key: NewKey): void {
  db.run(
    `INSERT INTO ssh_keys (account_id, algorithm, blob, fingerprint, label, created_at)
     VALUES (:accountId, :algorithm, :blob, :fingerprint, :label, :createdAt)`,
    { ...key },
  );
}

export const deleteKey = (db: Db, key: { id: number; accountId: number }): boolean =>
  db.run('DELETE FROM ssh_keys WHERE id = :id AND account_id = :accountId', key).changes === 1;

export interface NostrKeyRow {
  id: number;
  accountId: number;
  /** X-only, in hex. */
  publicKey: string;
  label: string;
  createdAt: number;
  lastUsedAt: number | null;
}

const nostrColumns = `id, account_id AS accountId, public_key AS publicKey, label, created_at AS createdAt,
  last_used_at AS lastUsedAt`;

export const listNostrKeys = (db: Db, accountId: number): NostrKeyRow[] =>
  db.all(`SELECT ${nostrColumns} FROM nostr_keys WHERE account_id = :accountId ORDER BY id`, { accountId });

export const findNostrKey = (db: Db, publicKey: string): NostrKeyRow | undefined =>
  db.get(`SELECT ${nostrColumns} FROM nostr_keys WHERE public_key = :publicKey`, { publicKey });

export const insertNostrKey = (db: Db, key: Omit<NostrKeyRow, 'id' | 'lastUsedAt'>): number =>
  db.run(
    `INSERT INTO nostr_keys (account_id, public_key, label, created_at)
     VALUES (:accountId, :publicKey, :label, :createdAt)`,
    { ...key },
  ).lastId;

export const deleteNostrKey = (db: Db, key: { id: number; accountId: number }): boolean =>
  db.run('DELETE FROM nostr_keys WHERE id = :id AND account_id = :accountId', key).changes === 1;

/** Last use is kept to the minute, so that a busy credential costs one write a minute and not one a request. */
export function stampLastUse(
  db: Db,
  table: 'ssh_keys' | 'deploy_keys' | 'nostr_keys' | 'passkeys' | 'tokens' | 'sessions',
  use: { id: number; now: number },
): void {
  db.run(
    `UPDATE ${table} SET last_used_at = :now WHERE id = :id AND coalesce(last_used_at, 0) < :now - 60000`,
    use,
  );
}

export interface TokenRow {
  id: number;
  accountId: number;
  scope: TokenScope;
  /** The repository that it is good for alone. */
  repoId: number | null;
  label: string;
  createdAt: number;
  expiresAt: number | null;
  lastUsedAt: number | null;
}

const tokenColumns = `id, account_id AS accountId, scope, repo_id AS repoId, label, created_at AS createdAt,
  expires_at AS expiresAt, last_used_at AS lastUsedAt`;

export const findToken = (db: Db, where: { hash: string; now: number }): TokenRow | undefined =>
  db.get(
    `SELECT ${tokenColumns} FROM tokens
     WHERE hash = :hash AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > :now)`,
    where,
  );

/** Those that are not revoked; whether they have expired is for the caller to see. */
export const listTokens = (db: Db, accountId: number): TokenRow[] =>
  db.all(
    `SELECT ${tokenColumns} FROM tokens WHERE account_id = :accountId AND revoked_at IS NULL ORDER BY id`,
    { accountId },
  );

export interface NewToken {
  accountId: number;
  hash: string;
  scope: TokenScope;
  repoId: number | null;
  label: string;
  createdAt: number;
  expiresAt: number | null;
}

export const insertToken = (db: Db, token: NewToken): number =>
  db.run(
    `INSERT INTO tokens (account_id, hash, scope, repo_id, label, created_at, expires_at)
     VALUES (:accountId, :hash, :scope, :repoId, :label, :createdAt, :expiresAt)`,
    { ...token },
  ).lastId;

export const revokeToken = (db: Db, token: { id: number; accountId: number; now: number }): boolean =>
  db.run(
    'UPDATE tokens SET revoked_at = :now WHERE id = :id AND account_id = :accountId AND revoked_at IS NULL',
    token,
  ).changes === 1;

export interface SessionRow {
  id: number;
  accountId: number;
  address: string;
  userAgent: string;
  createdAt: number;
  expiresAt: number;
  lastUsedAt: number;
}

const sessionColumns = `id, account_id AS accountId, address, user_agent AS userAgent,
  created_at AS createdAt, expires_at AS expiresAt, last_used_at AS lastUsedAt`;

export const findSession = (db: Db, where: { hash: string; now: number }): SessionRow | undefined =>
  db.get(`SELECT ${sessionColumns} FROM sessions WHERE hash = :hash AND expires_at > :now`, where);

export const listSessions = (db: Db, where: { accountId: number; now: number }): SessionRow[] =>
  db.all(
    `SELECT ${sessionColumns} FROM sessions WHERE account_id = :accountId AND expires_at > :now ORDER BY id DESC`,
    where,
  );

export function insertSession(
  db: Db,
  session: Omit<SessionRow, 'id' | 'lastUsedAt'> & { hash: string },
): void {
  db.run(
    `INSERT INTO sessions (account_id, hash, address, user_agent, created_at, expires_at, last_used_at)
     VALUES (:accountId, :hash, :address, :userAgent, :createdAt, :expiresAt, :createdAt)`,
    { ...session },
  );
}

export const deleteSession = (db: Db, session: { id: number; accountId: number }): boolean =>
  db.run('DELETE FROM sessions WHERE id = :id AND account_id = :accountId', session).changes === 1;

/** Every session of the account but one; answers how many. */
export const deleteOtherSessions = (db: Db, where: { accountId: number; keepId: number }): number =>
  db.run('DELETE FROM sessions WHERE account_id = :accountId AND id <> :keepId', where).changes;

export interface LinkRow {
  accountId: number | null;
  purpose: 'sign-in' | 'recovery';
}

export function insertLink(db: Db, link: LinkRow & { hash: string; now: number; expiresAt: number }): void {
  db.run('DELETE FROM login_links WHERE expires_at < :now', { now: link.now });
  db.run(
    `INSERT INTO login_links (hash, account_id, purpose, created_at, expires_at)
     VALUES (:hash, :accountId, :purpose, :now, :expiresAt)`,
    { ...link },
  );
}

/** A new recovery link is the only one of its account. */
export function expireRecoveryLinks(db: Db, where: { accountId: number; now: number }): void {
  db.run(
    `UPDATE login_links SET expires_at = :now
      WHERE account_id = :accountId AND purpose = 'recovery' AND expires_at > :now`,
    where,
  );
}

export const findLink = (db: Db, where: { hash: string; now: number }): LinkRow | undefined =>
  db.get(
    `SELECT account_id AS accountId, purpose FROM login_links
     WHERE hash = :hash AND used_at IS NULL AND expires_at > :now`,
    where,
  );

/** Takes the link for good; two who try at once: one gets it. */
export function claimLink(db: Db, where: { hash: string; now: number }): void {
  const { changes } = db.run(
    'UPDATE login_links SET used_at = :now WHERE hash = :hash AND used_at IS NULL AND expires_at > :now',
    where,
  );
  if (changes === 0) throw new ForgeError('invalid', 'This sign-in link was used already or has expired.');
}

/** First-admin links of earlier starts end when a new one is printed, or when an admin exists. */
export function expireAdminLinks(db: Db, now: number): void {
  db.run('UPDATE login_links SET expires_at = :now WHERE account_id IS NULL AND expires_at > :now', { now });
}

export interface AuditRow {
  at: number;
  accountId: number | null;
  credential: string;
  address: string;
  action: string;
  subject: string;
  detail: string;
}

export function insertAudit(db: Db, row: AuditRow): void {
  db.run(
    `INSERT INTO audit (at, account_id, credential, address, action, subject, detail)
     VALUES (:at, :accountId, :credential, :address, :action, :subject, :detail)`,
    { ...row },
  );
}

export const listAudit = (db: Db, limit: number): (AuditRow & { account: string | null })[] =>
  db.all(
    `SELECT u.at, u.account_id AS accountId, u.credential, u.address, u.action, u.subject, u.detail, a.name AS account
     FROM audit u LEFT JOIN accounts a ON a.id = u.account_id ORDER BY u.id DESC LIMIT :limit`,
    { limit },
  );
