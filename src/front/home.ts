import type { Response } from 'express';
import { callerOf } from '../accounts/guard.ts';
import { hasAdmin } from '../accounts/find.ts';
import type { Forge } from '../forge/open.ts';
import type { Repo } from '../repos/model.ts';
import { repoUrls } from '../repos/urls.ts';
import { countBranches, listOpenBranches } from '../branches/find.ts';
import type { Branch } from '../branches/model.ts';
import { inboxOnHome } from '../inbox/panel-view.ts';
import { listQueues } from '../landing/queue/queues.ts';
import { landingShown } from './landings.ts';
import { branchRows, openBranchesOf, visibleRepos } from './lists.ts';

/** What the home page and its live fragment show: open branches, mine first, and the repositories. */
export function homeData(forge: Forge, response: Response): Record<string, unknown> {
  const caller = callerOf(response);
  const repos = visibleRepos(forge, caller);
  const limit = forge.config.limits.maxRowsPerPage;
  const me = caller.account?.id;
  const isMine = ({ authorId }: Branch): boolean => me !== undefined && authorId === me;
  const others = openBranchesOf(forge, repos, limit).filter((branch) => !isMine(branch));
  const name = caller.account?.name ?? 'YOU';
  return {
    inbox: inboxOnHome(forge, caller, inboxEntriesOnHome),
    mine:
      me === undefined ? [] : branchRows(forge, repos, ownBranches(forge, repos, { authorId: me, limit })),
    others: branchRows(forge, repos, others),
    repos: repos.slice(0, limit).map((repo) => ({
      repo,
      href: `/${repo.owner}/${repo.name}`,
      counts: countBranches(forge, repo.id),
    })),
    queues: queuesShown(forge, repos),
    isNew: !hasAdmin(forge),
    sshUrl: repoUrls(forge, { owner: name, name: 'your-project' }).ssh,
  };
}

/** What somebody wrote is there, however much others have pushed since. */
function ownBranches(
  forge: Forge,
  repos: readonly Repo[],
  where: { authorId: number; limit: number },
): Branch[] {
  const visible = new Set(repos.map(({ id }) => id));
  return listOpenBranches(forge, where).filter(({ repoId }) => visible.has(repoId));
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
