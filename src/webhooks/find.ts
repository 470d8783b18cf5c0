import type { Forge } from '../forge/open.ts';
import { listAttemptRows } from './delivery-store.ts';
import type { DeliveryAttempt } from './model.ts';

/** Every attempt of a delivery, the oldest first; those of before it was sent again too. */
export const listAttempts = (forge: Forge, deliveryId: number): DeliveryAttempt[] =>
  listAttemptRows(forge.db, deliveryId);
