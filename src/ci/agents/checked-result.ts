// The result of a lane as it counts: what it says to have left behind is only believed where it lies on the disk of the
// forge, and under the names that this claim has.
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Forge } from '../../forge/open.ts';
import { incomingName } from '../lanes/cache-place.ts';
import type { Submission } from '../lanes/executor.ts';
import type { CacheUse, LaneResult } from '../lanes/lane-message.ts';
import { measureTree } from '../lanes/measure-tree.ts';
import type { AwayResult } from './agent-message.ts';

export async function checkedResult(
  forge: Forge,
  submission: Submission,
  given: AwayResult,
): Promise<LaneResult> {
  const { artifacts = [], reports = [], caches = [], ...result } = given;
  const { maxArtifacts, maxReports } = forge.config.ci;
  const keptArtifacts = [];
  for (const artifact of artifacts.slice(0, maxArtifacts)) {
    const bytes = await sizeOf(join(submission.artifactsFolder, artifact.sha256));
    if (bytes !== undefined) keptArtifacts.push({ ...artifact, bytes });
  }
  const keptReports = [];
  for (const report of reports.slice(0, maxReports)) {
    if ((await sizeOf(join(submission.reportsFolder, report.stored))) !== undefined) keptReports.push(report);
  }
  const uses: CacheUse[] = [];
  for (const use of caches) uses.push(...(await checkedUse(submission, use)));
  return { ...result, artifacts: keptArtifacts, reports: keptReports, caches: uses };
}

async function sizeOf(path: string): Promise<number | undefined> {
  const there = await stat(path).catch(() => undefined);
  return there?.isFile() === true ? there.size : undefined;
}

/** A hit is of a folder that the lane may read, and what it saved waits under a name of this claim. */
async function checkedUse(submission: Submission, use: CacheUse): Promise<CacheUse[]> {
  const { cacheFolder, readableCaches, caches, maxCacheBytes } = submission;
  if (use.outcome === 'hit') {
    const scope = basename(use.place ?? '');
    const folder = [cacheFolder, ...readableCaches].find((known) => basename(known) === scope);
    return folder === undefined ? [] : [{ ...use, place: folder }];
  }
  if (use.outcome === 'miss') return [{ key: use.key, outcome: 'miss', bytes: 0 }];
  const names = caches.map((_, place) => incomingName(submission, place));
  if (use.place === undefined || !names.includes(use.place)) return [];
  const { bytes } = await measureTree(join(cacheFolder, use.place), maxCacheBytes);
  return bytes === 0 || bytes > maxCacheBytes ? [] : [{ ...use, bytes }];
}
