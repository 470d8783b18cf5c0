// The nightlies of a repository as people see them: when each is due, and how its last runs ended.
import type { Forge } from '../forge/open.ts';
import type { Repo } from '../repos/model.ts';
import { runUrl } from '../repos/urls.ts';
import { listLanes } from './find.ts';
import type { Lane, NightlyView, Run } from './model.ts';
import { findSchedule, listNightlies, type Nightly, type Schedule } from './scheduler/nightly-store.ts';
import { listNightlyRuns } from './store.ts';

const shownRuns = 10;

export interface NightliesPage {
  nightlies: (Nightly & {
    isWaiting: boolean;
    /** Newest first. */
    runs: { run: Run; lanes: Lane[] }[];
  })[];
  schedule: Schedule | undefined;
}

export function nightliesPage(forge: Forge, repo: Repo): NightliesPage {
  const now = forge.clock.now();
  return {
    schedule: findSchedule(forge.db, repo.id),
    nightlies: listNightlies(forge.db, repo.id).map((nightly) => ({
      ...nightly,
      isWaiting: nightly.dueAt <= now,
      runs: listNightlyRuns(forge.db, { repoId: repo.id, id: nightly.id, limit: shownRuns }).map((run) => ({
        run,
        lanes: listLanes(forge, run.id),
      })),
    })),
  };
}

export function nightlyViews(forge: Forge, repo: Repo): NightlyView[] {
  return nightliesPage(forge, repo).nightlies.map(({ id, schedule, dueAt, runs }) => ({
    id,
    schedule,
    dueAt: new Date(dueAt).toISOString(),
    runs: runs.map(({ run }) => ({
      number: run.number,
      state: run.state,
      head: run.headOid,
      createdAt: new Date(run.createdAt).toISOString(),
      url: runUrl(forge, repo, run.number),
    })),
  }));
}
