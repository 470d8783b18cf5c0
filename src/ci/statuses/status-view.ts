// A commit's own lanes and what other systems say of it, as one list.
import type { Forge } from '../../forge/open.ts';
import type { Repo } from '../../repos/model.ts';
import { runUrl } from '../../repos/urls.ts';
import { listLanes, newestRunOfHead } from '../find.ts';
import { type Lane, type RunState } from '../model.ts';
import { laneContext, type CommitStatus, type CommitStatusesView, type StatusView } from './model.ts';
import { listStatuses } from './set-status.ts';

export function commitStatusesOf(forge: Forge, repo: Repo, oid: string): CommitStatusesView {
  const run = newestRunOfHead(forge, repo.id, oid);
  const url = run === undefined ? '' : runUrl(forge, repo, run.number);
  const lanes = run === undefined ? [] : listLanes(forge, run.id);
  const others = listStatuses(forge, repo.id, oid);
  const states = [...(run === undefined ? [] : [run.state]), ...others.map(({ state }) => state)];
  return {
    commit: oid,
    state: worstOf(states),
    statuses: [...lanes.map((lane) => laneStatus(lane, url)), ...others.map(statusViewOf)],
  };
}

export const statusViewOf = (status: CommitStatus): StatusView => ({
  context: status.context,
  state: status.state,
  description: status.description,
  url: status.url ?? null,
  source: 'external',
  updatedAt: new Date(status.updatedAt).toISOString(),
  updatedBy: status.updatedByName ?? null,
});

function laneStatus({ key, title, attempt }: Lane, url: string): StatusView {
  const since = attempt.finishedAt ?? attempt.startedAt ?? attempt.queuedAt;
  return {
    context: `${laneContext}${key}`,
    state: attempt.state,
    description: attempt.message ?? title,
    url: `${url}/lanes/${encodeURIComponent(key)}`,
    source: 'lane',
    updatedAt: new Date(since).toISOString(),
    updatedBy: null,
  };
}

const byGravity = ['failed', 'running', 'queued', 'cancelled', 'success'] as const;

/** What is skipped says nothing. */
const worstOf = (states: readonly string[]): RunState | 'none' =>
  byGravity.find((state) => states.includes(state)) ?? 'none';
