import type { Forge } from '../../forge/open.ts';
import { deleteStatuses } from './status-store.ts';

/** Forgets what other systems said of a commit before a time. False: they said more since, or it is gone already. */
export const forgetStatuses = (forge: Forge, old: { repoId: number; oid: string; before: number }): boolean =>
  deleteStatuses(forge.db, old) > 0;
