// The inbox as a page, its badge on every page, and the way from branch to branch through it.
import { Router, type RequestHandler, type Request, type Response } from 'express';
import { z } from 'zod';
import { callerOf, requireOwnAccount } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import { dismissEntries } from './dismiss.ts';
import { countUnread, listInbox } from './find.ts';
import { inboxQuery } from './model.ts';
import { maxReviewed, reviewPath } from './panel-view.ts';
import { entryShown } from './view.ts';

interface Exchange {
  request: Request;
  response: Response;
}

const branchId = z.coerce.number().int().positive();
const several = z.preprocess(
  (value) => (value === undefined ? [] : [value].flat()),
  z.array(branchId).max(500),
);
const dismissForm = z.object({
  branch: several,
  /** The button of one entry; it dismisses that one, whatever is ticked. */
  only: branchId.optional(),
  all: z.literal('yes').optional(),
  /** In the review: where to go on. */
  next: branchId.optional(),
});
const pageQuery = inboxQuery.extend({ fragment: z.enum(['list', 'badge']).optional() });

/** Puts the number for the badge where pages find it; it is counted only when a page asks. */
export function countForPages(forge: Forge): RequestHandler {
  return (_request, response, next) => {
    const caller = callerOf(response);
    const page = response.locals['page'] as object;
    let counted: { id: number; unread: number } | undefined;
    Object.defineProperty(page, 'inbox', {
      enumerable: true,
      // A template names it several times.
      get: () =>
        caller.account && (counted ??= { id: caller.account.id, unread: countUnread(forge, caller) }),
    });
    next();
  };
}

export function inboxPages(forge: Forge): Router {
  const router = Router();
  router.get('/inbox', (request, response) => show(forge, { request, response }));
  router.get('/inbox/review', (_request, response) => {
    requireOwnAccount(callerOf(response), 'read');
    const [first] = listInbox(forge, callerOf(response), { limit: 1 }).entries;
    response.redirect(303, first === undefined ? '/inbox' : reviewPath(first));
  });
  router.post('/inbox/dismiss', (request, response) => {
    const caller = callerOf(response);
    requireOwnAccount(caller, 'write');
    const { branch, only, all, next } = parse(dismissForm, request.body);
    dismissEntries(forge, { caller, branches: all ? 'all' : only === undefined ? branch : [only] });
    const entry =
      next && listInbox(forge, caller, { limit: maxReviewed }).entries.find((one) => one.branchId === next);
    response.redirect(303, entry ? reviewPath(entry) : '/inbox');
  });
  return router;
}

function show(forge: Forge, { request, response }: Exchange): void {
  const caller = callerOf(response);
  const { before, fragment } = parse(pageQuery, request.query);
  if (fragment === 'badge') {
    render(response, 'inbox/_badge.njk');
    return;
  }
  requireOwnAccount(caller, 'read');
  const { entries, next } = listInbox(forge, caller, { before, limit: forge.config.limits.maxRowsPerPage });
  render(response, fragment === 'list' ? 'inbox/_list.njk' : 'inbox/index.njk', {
    entries: entries.map(entryShown),
    next,
    before,
    unread: countUnread(forge, caller),
  });
}
