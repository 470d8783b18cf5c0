import type { Response } from 'express';
import { callerOf } from '../accounts/guard.ts';
import { hasAdmin } from '../accounts/find.ts';
import type { Forge } from '../forge/open.ts';
import type { Repo } from '../repos/model.ts';
import { repoUrls } from '../repos/urls.ts';
import { countBranches } from '../branches/find.ts';
import { inboxOnHome } from '../inbox/panel-view.ts';
import { listQueues } from '../landing/queue/queues.ts';
import { landingShown } from './landings.ts';
import { branchRows, openBranchesOf, visibleRepos } from './lists.ts';

/** What the home page and its live fragment show: open branches, mine first, and the repositories. */
export function homeData(forge: Forge, response: Response): Record<string, unknown> {
  const caller = callerOf(response);
  const repos = visibleRepos(forge, caller);
  const branches = openBranchesOf(forge, repos, forge.config.limits.maxRowsPerPage);
  const rows = branchRows(forge, repos, branches);
  const me = caller.account?.id;
  const name = caller.account?.name ?? 'YOU';
  return {
    inbox: inboxOnHome(forge, caller, inboxEntriesOnHome),
    mine: me === undefined ? [] : rows.filter((row) => row.branch.authorId === me),
    others: me === undefined ? rows : rows.filter((row) => row.branch.authorId !== me),
    repos: repos.slice(0, forge.config.limits.maxRowsPerPage).map((repo) => ({
      repo,
      href: `/${repo.owner}/${repo.name}`,
      counts: countBranches(forge, repo.id),
    })),
    queues: queuesShown(forge, repos),
    isNew: !hasAdmin(forge),
    sshUrl: repoUrls(forge, { owner: name, name: 'your-project' }).ssh,
  };
}

const inboxEntriesOnHome = 6;
const queuesOnHome = 10;
const entriesOnHome = 5;

/** What lands in the repositories that the caller sees, the next ones first. */
function queuesShown(forge: Forge, repos: readonly Repo[]): Record<string, unknown>[] {
  return listQueues(forge, repos, queuesOnHome).map(({ repo, queue }) => {
    const entries = queue.targets.flatMap((target) => [...target.entries, ...target.waiting]);
    return {
      repo,
      href: `/${repo.owner}/${repo.name}/landings`,
      isPaused: queue.paused !== null,
      more: Math.max(0, entries.length - entriesOnHome),
      entries: entries.slice(0, entriesOnHome).map(landingShown),
    };
  });
}
