import { isoTime, isoTimeOrNull } from '../../lib/iso-time.ts';
import type { Forge } from '../../forge/open.ts';
import { fingerprintsOf } from '../remote/host-keys.ts';
import type { Pull, Upstream, UpstreamState, UpstreamView } from './model.ts';
import type { Pulls } from './open-pulls.ts';
import { countPulledRefs, listLeftRefs, listPullRows } from './pull-store.ts';

const shownPulls = 10;
const shownRefs = 50;

export function upstreamViewOf(forge: Forge, pulls: Pulls, upstream: Upstream): UpstreamView {
  const { repoId, hostKeys, publicKey, problem, pulledAt } = upstream;
  const { url, follows, everyMinutes, patterns, rewrites, deletions, credential, failures } = upstream;
  const progress = pulls.progressOf(repoId);
  const history = listPullRows(forge.db, { repoId, limit: shownPulls });
  return {
    url,
    state: upstreamStateOf(upstream, { pulls, lastPull: history[0] }),
    follows,
    everyMinutes,
    patterns,
    rewrites,
    deletions,
    credential,
    publicKey: publicKey ?? null,
    hostKeys: fingerprintsOf(hostKeys ?? ''),
    progress: progress === undefined ? null : { phase: progress.phase, percent: progress.percent ?? null },
    problem: problem ?? null,
    failures,
    pulledAt: isoTimeOrNull(pulledAt),
    nextAt: isoTimeOrNull(nextAt(upstream)),
    refs: {
      total: countPulledRefs(forge.db, repoId).total,
      left: listLeftRefs(forge.db, { repoId, limit: shownRefs }).map(({ ref, state, message }) => ({
        ref,
        state,
        message: message ?? null,
      })),
    },
    pulls: history.map((pull) => ({
      ...pull,
      startedAt: isoTime(pull.startedAt),
      finishedAt: isoTimeOrNull(pull.finishedAt),
      message: pull.message ?? null,
    })),
  };
}

function upstreamStateOf(
  upstream: Upstream,
  { pulls, lastPull }: { pulls: Pulls; lastPull: Pull | undefined },
): UpstreamState {
  const { repoId, failures, wanted, done, problem, follows } = upstream;
  if (pulls.isPulling(repoId)) return 'pulling';
  if (failures > 0) return 'failing';
  if (wanted > done) return 'queued';
  if (problem !== undefined) return 'partial';
  if (lastPull?.state === 'cancelled') return 'cancelled';
  return follows ? 'in-step' : 'idle';
}

/** When it is pulled by itself the next time; undefined when it is not, or at once. */
function nextAt({ follows, everyMinutes, pulledAt, restsUntil, wanted, done }: Upstream): number | undefined {
  if (restsUntil !== undefined && (follows || wanted > done)) return restsUntil;
  return follows && pulledAt !== undefined ? pulledAt + everyMinutes * 60_000 : undefined;
}
