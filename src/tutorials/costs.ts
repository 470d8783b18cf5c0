// What the writers of tutorials cost, summed by day: tokens as the writers themselves count them.
import type { Forge } from '../forge/open.ts';
import { addCost, listCosts, type WriterCost } from './costs-store.ts';
import type { WriterUsage } from './model.ts';

const dayMs = 24 * 60 * 60 * 1000;
const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

export function keepCost(
  { db, clock, config }: Forge,
  cost: { writer: string; usage?: WriterUsage | undefined; failed?: boolean },
): void {
  const { writer, usage, failed = false } = cost;
  addCost(db, {
    day: dayOf(clock.now()),
    writer,
    model: usage?.model ?? config.tutorials.model,
    written: failed ? 0 : 1,
    failed: failed ? 1 : 0,
    inputTokens: usage?.inputTokens ?? 0,
    outputTokens: usage?.outputTokens ?? 0,
  });
}

/** Of each writer and model in the last `days`, the dearest first. */
export const writerCosts = ({ db, clock }: Forge, days: number): WriterCost[] =>
  listCosts(db, dayOf(clock.now() - (days - 1) * dayMs));
