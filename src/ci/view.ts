// Runs and lanes in the shape that leaves the forge as JSON.
import type { Forge } from '../forge/open.ts';
import type { Repo } from '../repos/model.ts';
import { runUrl } from '../repos/urls.ts';
import { listLanes } from './find.ts';
import type { Lane, LaneView, Run, RunView } from './model.ts';
import { isoTime, isoTimeOrNull } from '../lib/iso-time.ts';

export function runViewOf(forge: Forge, repo: Repo, run: Run): RunView {
  const url = runUrl(forge, repo, run.number);
  return {
    number: run.number,
    head: run.headOid,
    state: run.state,
    problem: run.problem ?? null,
    createdAt: isoTime(run.createdAt),
    finishedAt: isoTimeOrNull(run.finishedAt),
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
    reasonSince: isoTimeOrNull(attempt.reasonSince),
    failureKind: attempt.failureKind ?? null,
    skipCause: attempt.skipCause ?? null,
    message: attempt.message ?? null,
    exitCode: attempt.exitCode ?? null,
    queuedAt: isoTime(attempt.queuedAt),
    startedAt: isoTimeOrNull(attempt.startedAt),
    finishedAt: isoTimeOrNull(attempt.finishedAt),
    node: attempt.node ?? null,
    logBytes: attempt.logBytes,
    keptUntil: isoTimeOrNull(attempt.keptUntil),
    url: `${runUrl}/lanes/${key}`,
  };
}
