// Turns a claim into what a lane thread must know: the command, its environment, its folders and limits.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { getBranch } from '../../branches/find.ts';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { getRepo } from '../../repos/find.ts';
import { fullName } from '../../repos/model.ts';
import { repoPath } from '../../repos/path.ts';
import { runUrl } from '../../repos/urls.ts';
import type { Claim } from '../scheduler/claim.ts';
import type { Submission } from './executor.ts';
import { getRun, listLanes } from '../find.ts';
import { plainExtras, type Run } from '../model.ts';
import { getLaunchRow, type LaunchRow } from '../scheduler/queue.ts';
import { secretsFor } from '../secrets/secrets-for.ts';

/** What an executor is given for a claim. */
export function submissionOf(forge: Forge, claim: Claim): Submission {
  const row = getLaunchRow(forge.db, claim.attemptId);
  if (row === undefined) throw new ForgeError('not_found', `There is no attempt ${claim.attemptId}.`);
  const { ci, limits, paths, searchPath } = forge.config;
  const repo = getRepo(forge, row.repoId);
  return {
    ...claim,
    cookie: attemptCookie(paths.data, claim),
    title: `${fullName(repo)} · run ${row.runNumber} · ${row.key}`,
    attemptNumber: row.number,
    commit: row.headOid,
    command: JSON.parse(row.command) as string | string[],
    env: environmentOf(forge, row),
    objects: join(repoPath(forge, row.repoId), 'objects'),
    folder: attemptFolder(forge, claim),
    logFolder: logFolder(forge, claim),
    dataFolder: paths.data,
    searchPath,
    timeoutMs: row.timeoutSeconds * 1000,
    idleMs: row.idleSeconds * 1000,
    graceMs: ci.graceSeconds * 1000,
    leaseMs: ci.leaseSeconds * 1000,
    heartbeatMs: ci.heartbeatSeconds * 1000,
    maxLogBytes: ci.maxLogBytes,
    ...wishesOf(forge, claim),
    maxTreeFiles: limits.maxTreeFiles,
    maxDiskBytes: ci.maxDiskBytes,
    minFreeBytes: limits.minFreeMebibytes * 1024 * 1024,
    maxTemporaryBytes: ci.maxTemporaryBytes,
    maxPrograms: ci.maxPrograms,
    maxCacheBytes: ci.maxCacheBytes,
    maxArtifacts: ci.maxArtifacts,
    maxArtifactBytes: ci.maxArtifactBytes,
    maxReports: ci.maxReports,
    maxReportBytes: ci.maxReportBytes,
    maxReportedTests: ci.maxReportedTests,
    maxReportMemoryBytes: ci.maxReportMemoryBytes,
    reportMs: ci.reportSeconds * 1000,
  };
}

/** What every program of an attempt finds in its environment; secrets are not among it. */
export function attemptEnvironment(forge: Forge, attemptId: number): Record<string, string> {
  const row = getLaunchRow(forge.db, attemptId);
  if (row === undefined) throw new ForgeError('not_found', `There is no attempt ${attemptId}.`);
  return environmentOf(forge, row);
}

function environmentOf(forge: Forge, row: LaunchRow): Record<string, string> {
  const repo = getRepo(forge, row.repoId);
  const branch = row.branchId === null ? undefined : getBranch(forge, row.branchId);
  const { landingBranches, target } = getRun(forge, row.runId);
  // A name holds no comma; a landing of several branches has all their names.
  const landing = landingBranches.length === 0 ? undefined : landingBranches.join(',');
  return {
    ...(JSON.parse(row.env) as Record<string, string>),
    CI: 'true',
    PIKA_REPO: fullName(repo),
    PIKA_BRANCH: branch?.name ?? landing ?? repo.defaultBranch,
    PIKA_COMMIT: row.headOid,
    PIKA_TARGET: branch?.target ?? target ?? repo.defaultBranch,
    PIKA_MERGE_BASE: row.baseOid ?? '',
    PIKA_RUN: String(row.runNumber),
    PIKA_LANE: row.key,
    PIKA_ATTEMPT: String(row.number),
    PIKA_URL: `${runUrl(forge, repo, row.runNumber)}/lanes/${row.key}`,
  };
}

/** What the manifest asks for beyond the command, and where it is put down. */
function wishesOf(forge: Forge, claim: Claim) {
  const folder = logFolder(forge, claim);
  const given = secretsFor(forge, claim);
  const run = getRun(forge, claim.runId);
  const lane = listLanes(forge, claim.runId).find(({ id }) => id === claim.laneId);
  const { network, caches, artifacts, reports } = lane?.extras ?? plainExtras;
  return {
    network,
    caches,
    artifacts,
    reports,
    secrets: given.secrets,
    notes: given.withheld.map(({ name, why }) => `secret ${name} is not given: ${why}`),
    cacheFolder: cacheFolderOf(forge, run),
    readableCaches: [join(forge.config.paths.caches, String(run.repoId), defaultScope)],
    artifactsFolder: join(folder, 'artifacts'),
    reportsFolder: join(folder, 'reports'),
    keepFolder: forge.config.ci.keepMinutes > 0,
  };
}

const defaultScope = 'default';

/**
 * Where the lanes of a run put down their caches. What a branch saves is read by its own lanes only: otherwise whoever
 * pushes a branch could change what the default branch runs.
 */
export const cacheFolderOf = (forge: Forge, { repoId, kind, branchId, number }: Run): string =>
  join(
    forge.config.paths.caches,
    String(repoId),
    kind === 'nightly' ? defaultScope : `branch-${branchId ?? `of-run-${number}`}`,
  );

type Numbered = Pick<Claim, 'attemptId' | 'token'>;

const attemptName = ({ attemptId, token }: Numbered): string => `${attemptId}-${token}`;

/** Of this claim alone, while it runs and as long as it is kept. */
export const attemptFolder = (forge: Forge, claim: Numbered): string =>
  join(forge.config.paths.checkouts, attemptName(claim));

export const logFolder = (forge: Forge, { attemptId, token }: Numbered): string =>
  join(forge.config.paths.lanes, String(attemptId), String(token));

/** Begins the cookies of one data directory, so that a start finds what an earlier one left behind. */
export const cookiePrefix = (dataFolder: string): string =>
  `${createHash('sha256').update(dataFolder).digest('hex').slice(0, 16)}.`;

/** The dot at the end keeps the cookie of attempt 1 from being the beginning of that of attempt 12. */
export const attemptCookie = (dataFolder: string, claim: Numbered): string =>
  `${cookiePrefix(dataFolder)}${attemptName(claim)}.`;

/** As a node has it, where lanes of several forges may run beside each other; `mark` tells them apart. */
export const awayCookie = (mark: string, claim: Numbered): string => `${mark}.${attemptName(claim)}.`;

/** The attempt of a cookie of this data directory. */
export const attemptOfCookie = (dataFolder: string, cookie: string): number =>
  Number(cookie.slice(cookiePrefix(dataFolder).length).split('-')[0]);
