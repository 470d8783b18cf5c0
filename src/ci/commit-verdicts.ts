import { publicOrigin, type Forge } from '../forge/open.ts';
import { getRepo } from '../repos/find.ts';
import { fullName } from '../repos/model.ts';
import type { RunState } from './model.ts';
import { listRunsOfRepo } from './store.ts';

/** How one commit did, in the words in which services of code are told it. */
export interface CommitVerdict {
  oid: string;
  state: 'pending' | 'success' | 'failure' | 'error';
  description: string;
  url: string;
}

const recentRuns = 200;

const said: Record<RunState, Pick<CommitVerdict, 'state' | 'description'>> = {
  queued: { state: 'pending', description: 'The lanes wait' },
  running: { state: 'pending', description: 'The lanes run' },
  success: { state: 'success', description: 'Every lane is green' },
  failed: { state: 'failure', description: 'A lane is red' },
  cancelled: { state: 'error', description: 'The run was cancelled' },
};

/** How the newest heads of a repository did: what their newest run of a branch says. */
export function commitVerdicts(forge: Forge, repoId: number): CommitVerdict[] {
  const name = fullName(getRepo(forge, repoId));
  const byHead = new Map<string, CommitVerdict>();
  for (const { headOid, number, state } of listRunsOfRepo(forge.db, { repoId, limit: recentRuns })) {
    const url = `${publicOrigin(forge.config)}/${name}/runs/${number}`;
    if (!byHead.has(headOid)) byHead.set(headOid, { oid: headOid, url, ...said[state] });
  }
  return [...byHead.values()];
}
