import { recordAudit } from '../../accounts/audit.ts';
import { systemCaller } from '../../accounts/system.ts';
import type { Forge } from '../../forge/open.ts';
import { endShellRow, listOpenShells } from './shell-store.ts';

/** At start, when `recoverAtStart` has ended every program that an earlier forge left behind. */
export function endLeftShells(forge: Forge): void {
  const left = listOpenShells(forge.db);
  if (left.length === 0) return;
  const endedAt = forge.clock.now();
  forge.db.transaction(() => {
    for (const { id, accountName } of left) {
      endShellRow(forge.db, { id, endedAt, ending: 'forge_died' });
      const detail = { shell: id, ending: 'forge_died' };
      recordAudit(forge, systemCaller(forge), {
        action: 'shell.end',
        subject: `shell of ${accountName}`,
        detail,
      });
    }
  });
}
