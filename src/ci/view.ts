// Runs and lanes in the shape that leaves the forge as JSON.
import type { Forge } from '../forge/open.ts';
import type { Repo } from '../repos/model.ts';
import { runUrl } from '../repos/urls.ts';
import { listLanes } from './find.ts';
import type { Lane, LaneView, Run, RunView } from './model.ts';

export function runViewOf(forge: Forge, repo: Repo, run: Run): RunView {
  const url = runUrl(forge, repo, run.number);
  return {
    number: run.number,
    head: run.headOid,
    state: run.state,
    problem: run.problem ?? null,
    createdAt: time(run.createdAt),
    finishedAt: timeOrNull(run.finishedAt),
    url,
    lanes: listLanes(forge, run.id).map((lane) => laneViewOf(lane, url)),
  };
}

function laneViewOf({ key, title, required, attempt }: Lane, runUrl: string): LaneView {
  return {
    id: key,
    title,
    required,
    state: attempt.state,
    attempt: attempt.number,
    reason: attempt.reason ?? null,
    reasonDetail: attempt.reasonDetail ?? null,
    reasonSince: timeOrNull(attempt.reasonSince),
    failureKind: attempt.failureKind ?? null,
    skipCause: attempt.skipCause ?? null,
    message: attempt.message ?? null,
    exitCode: attempt.exitCode ?? null,
    queuedAt: time(attempt.queuedAt),
    startedAt: timeOrNull(attempt.startedAt),
    finishedAt: timeOrNull(attempt.finishedAt),
    logBytes: attempt.logBytes,
    keptUntil: timeOrNull(attempt.keptUntil),
    url: `${runUrl}/lanes/${key}`,
  };
}

const time = (at: number): string => new Date(at).toISOString();
const timeOrNull = (at: number | undefined): string | null => (at === undefined ? null : time(at));
