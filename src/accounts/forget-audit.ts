// The audit log stays for ever, unless the operator gives its entries a time.
import type { Forge } from '../forge/open.ts';
import { countAuditBefore, deleteAuditBefore } from './audit-store.ts';

export const countOldAudit = (forge: Forge, before: number): { count: number; oldestAt: number | null } =>
  countAuditBefore(forge.db, before);

export const forgetAudit = (forge: Forge, before: number): boolean => deleteAuditBefore(forge.db, before) > 0;
