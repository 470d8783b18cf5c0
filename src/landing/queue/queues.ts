// The landing queues of many repositories, for pages that show them side by side.
import type { Forge } from '../../forge/open.ts';
import type { Repo } from '../../repos/model.ts';
import type { QueueView } from './model.ts';
import { listQueueRepos } from './store.ts';
import { readQueue } from './queue-view.ts';

/** Of these repositories, the queues in which something is to land; at most `limit` repositories. */
export function listQueues(
  forge: Forge,
  repos: readonly Repo[],
  limit: number,
): { repo: Repo; queue: QueueView }[] {
  const busy = new Set(listQueueRepos(forge.db));
  return repos
    .filter((repo) => busy.has(repo.id))
    .slice(0, limit)
    .map((repo) => ({ repo, queue: readQueue(forge, repo) }));
}
