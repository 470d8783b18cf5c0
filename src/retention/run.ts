import { recordAudit } from '../accounts/audit.ts';
import type { Caller } from '../accounts/model.ts';
import type { Forge } from '../forge/open.ts';
import type { RemovedView } from './model.ts';
import type { Retention } from './open.ts';

/** Removes now what may go, because somebody asked. */
export async function runRetention(
  forge: Forge,
  retention: Pick<Retention, 'run'>,
  caller: Caller,
): Promise<RemovedView> {
  recordAudit(forge, caller, { action: 'forge.retention', subject: 'this forge' });
  return retention.run();
}
