import type { Forge } from '../forge/open.ts';
import { isMailOn } from './choose.ts';
import { countWaiting, listTroubles, type MailTrouble } from './store.ts';

/** For operators: what waits, and what went wrong. */
export const mailState = (
  forge: Forge,
  limit: number,
): { isOn: boolean; waiting: number; troubles: MailTrouble[] } => ({
  isOn: isMailOn(forge),
  waiting: countWaiting(forge.db),
  troubles: listTroubles(forge.db, limit),
});
