// Locks of Git LFS (git-lfs, docs/api/locking.md): one account holds a path of a repository. The client of Git LFS
// keeps others from pushing what is locked; the forge keeps the list.
import { recordAudit } from '../accounts/audit.ts';
import type { Account, Caller } from '../accounts/model.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { fullName, includesRight, type Repo } from '../repos/model.ts';
import { rightOn } from '../repos/rights.ts';
import { lockViewOf, type Lock } from './model.ts';
import { countLocks, deleteLock, findLock, insertLock, listLockRows } from './store.ts';

const maxPage = 100;

/** Locks a path for the caller. Refuses (`conflict`, with the lock in the details) one that is locked already. */
export function lockPath(forge: Forge, order: { repo: Repo; caller: Caller; path: string }): Lock {
  const { repo, caller, path } = order;
  const { id: ownerId } = accountOf(caller);
  const { maxLfsLocks } = forge.config.limits;
  return forge.db.transaction(() => {
    if (countLocks(forge.db, repo.id) >= maxLfsLocks) {
      throw new ForgeError('limited', `A repository has at most ${maxLfsLocks} locks. Unlock some first.`);
    }
    const isNew = insertLock(forge.db, { repoId: repo.id, path, ownerId, now: forge.clock.now() });
    const lock = findLock(forge.db, { repoId: repo.id, path });
    if (lock === undefined) throw new Error('a lock that was just written is not there');
    if (!isNew) {
      throw new ForgeError('conflict', `${lock.owner} has locked ${path} already.`, {
        details: { lock: lockViewOf(lock) },
      });
    }
    recordAudit(forge, caller, { action: 'lfs.lock', subject: fullName(repo), detail: { path } });
    return lock;
  });
}

/**
 * Takes a lock away. One's own needs nothing more; somebody else's needs `force` and the right to maintain the
 * repository (`forbidden`). A lock of another repository is not found.
 */
export function unlockPath(
  forge: Forge,
  order: { repo: Repo; caller: Caller; id: string; force: boolean },
): Lock {
  const { repo, caller, id, force } = order;
  const account = accountOf(caller);
  return forge.db.transaction(() => {
    const lock = /^\d{1,15}$/.test(id) ? findLock(forge.db, { repoId: repo.id, id: Number(id) }) : undefined;
    if (lock === undefined) {
      throw new ForgeError(
        'not_found',
        `There is no lock ${id} in ${fullName(repo)}; it may be gone already.`,
      );
    }
    const isOwn = lock.ownerId === account.id;
    const mayForce = includesRight(rightOn(forge, caller, repo), 'maintain');
    if (!isOwn && !(force && mayForce)) throw foreignLock(lock, mayForce);
    deleteLock(forge.db, { repoId: repo.id, id: lock.id });
    const detail = { path: lock.path, owner: lock.owner, forced: !isOwn };
    recordAudit(forge, caller, { action: 'lfs.unlock', subject: fullName(repo), detail });
    return lock;
  });
}

const foreignLock = ({ owner, path }: Lock, mayForce: boolean): ForgeError =>
  new ForgeError(
    'forbidden',
    mayForce
      ? `${owner} has locked ${path}. Ask ${owner} to unlock it, or take it away with: git lfs unlock --force`
      : `${owner} has locked ${path}. Ask ${owner} to unlock it; only who maintains the repository may force it.`,
  );

export interface LockPage {
  locks: Lock[];
  /** Where the next page begins. */
  next: string | undefined;
}

/** The locks of a repository, the oldest first, one page after the other. Refuses (`invalid`) a foreign cursor. */
export function listLocks(
  forge: Forge,
  order: { repoId: number; cursor: string | undefined; limit: number },
): LockPage {
  const { repoId, cursor = '0' } = order;
  if (!/^\d{1,15}$/.test(cursor)) {
    throw new ForgeError('invalid', 'The cursor is not one that this server gave. Begin without one.');
  }
  const limit = Math.min(order.limit, maxPage);
  const rows = listLockRows(forge.db, { repoId, from: Number(cursor), limit: limit + 1 });
  const following = rows[limit];
  return { locks: rows.slice(0, limit), next: following && String(following.id) };
}

/** The one lock with that path or id, or none. */
export function findLocks(
  forge: Forge,
  where: { repoId: number; path: string | undefined; id: string | undefined },
): Lock[] {
  const { repoId, path, id } = where;
  const lock =
    path === undefined
      ? findLock(forge.db, { repoId, id: /^\d{1,15}$/.test(id ?? '') ? Number(id) : 0 })
      : findLock(forge.db, { repoId, path });
  return lock === undefined || (id !== undefined && String(lock.id) !== id) ? [] : [lock];
}

function accountOf(caller: Caller): Account {
  if (caller.account === undefined) throw new ForgeError('unauthenticated', 'Sign in to lock or unlock.');
  return caller.account;
}
