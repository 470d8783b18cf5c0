import { Router } from 'express';
import { callerOf, requireOwnAccount } from '../accounts/guard.ts';
import { findBranch } from '../branches/find.ts';
import type { Forge } from '../forge/open.ts';
import { findRepo } from '../repos/find.ts';
import { rightOn } from '../repos/rights.ts';
import { apiRoute, apiRow } from '../web/api-route.ts';
import { dismissEntries } from './dismiss.ts';
import { countUnread, listInbox } from './find.ts';
import { dismissRequest, dismissView, inboxQuery, inboxView } from './model.ts';
import { entryViewOf } from './view.ts';

const table = {
  list: apiRow({
    method: 'get',
    path: '/api/v1/inbox',
    summary: 'List what needs the caller, the newest first',
    right: 'account',
    query: inboxQuery,
    answer: inboxView,
  }),
  dismiss: apiRow({
    method: 'post',
    path: '/api/v1/inbox/dismiss',
    summary: "Take branches out of the caller's inbox",
    description: 'What is not in it is passed over. A branch comes back when there is news of it.',
    right: 'account',
    body: dismissRequest,
    answer: dismissView,
  }),
};

export function inboxApi(forge: Forge): Router {
  const router = Router();
  apiRoute(router, table.list, (_request, response, sent) => {
    const caller = callerOf(response);
    requireOwnAccount(caller, 'read');
    const { before } = sent.query();
    const { entries, next } = listInbox(forge, caller, { before, limit: forge.config.limits.maxRowsPerPage });
    response.json({
      entries: entries.map((entry) => entryViewOf(forge, entry)),
      unread: countUnread(forge, caller),
      next: next ?? null,
    });
  });
  apiRoute(router, table.dismiss, (_request, response, sent) => {
    const caller = callerOf(response);
    requireOwnAccount(caller, 'write');
    const { branches, all } = sent.body();
    const named = branches.flatMap(({ repo: name, number }) => {
      const [owner = '', short = ''] = name.split('/');
      const repo = findRepo(forge, owner, short);
      if (repo === undefined || rightOn(forge, caller, repo) === 'none') return [];
      return findBranch(forge, repo.id, number)?.id ?? [];
    });
    const dismissed = dismissEntries(forge, { caller, branches: all ? 'all' : named });
    response.json({ dismissed, unread: countUnread(forge, caller) });
  });
  return router;
}
