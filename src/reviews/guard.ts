// What a route about a branch is asked for, by whom, and the numbers in its path.
import type { Request, Response } from 'express';
import { callerOf } from '../accounts/guard.ts';
import { branchOfRoute } from '../branches/guard.ts';
import type { Forge } from '../forge/open.ts';
import { requireVoice, type ReviewOrder } from './author.ts';

/** The repository and the branch that a path names, to a caller who may read them; else `not_found`. */
export const orderOf = (forge: Forge, exchange: { request: Request; response: Response }): ReviewOrder => ({
  ...branchOfRoute(forge, exchange, 'read'),
  caller: callerOf(exchange.response),
});

/** As `orderOf`, for what is written; whoever may not write is refused before what was sent is looked at. */
export function writeOrderOf(forge: Forge, exchange: { request: Request; response: Response }): ReviewOrder {
  const order = orderOf(forge, exchange);
  requireVoice(forge, order);
  return order;
}

/** Whose drafts are shown; nobody's to nobody. */
export const viewerOf = ({ caller }: ReviewOrder): number => caller.account?.id ?? 0;

/** The number in a path; 0, which nothing has, for what is none. */
export const idOf = (given: unknown): number =>
  typeof given === 'string' && /^[0-9]{1,12}$/.test(given) ? Number(given) : 0;
