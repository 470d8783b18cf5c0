// What the housekeeping of a repository did last, as it stands in the database: steps and sizes as JSON.
import { z } from 'zod';
import type { Forge } from '../forge/open.ts';
import { housekeepingSteps } from '../git/housekeeping.ts';
import type { RepoExtent } from '../git/repo-extent.ts';
import type { HousekeepingState } from './model.ts';
import { findHousekeeping, listHousekeeping, putHousekeeping, type HousekeepingRow } from './store.ts';

const extentShape = z.object({
  looseObjects: z.number(),
  packedObjects: z.number(),
  packs: z.number(),
  bytes: z.number(),
  looseRefs: z.number(),
  hasBitmap: z.boolean(),
  hasCommitGraph: z.boolean(),
});
const doneShape = z.object({ step: z.enum(['leftovers', ...housekeepingSteps]), ms: z.number() });
export type DoneStep = z.infer<typeof doneShape>;

export interface Housekeeping {
  repoId: number;
  state: HousekeepingState;
  steps: DoneStep[];
  /** Why it failed, for people. */
  error: string | undefined;
  before: RepoExtent;
  after: RepoExtent | undefined;
  startedAt: number;
  endedAt: number | undefined;
  sweptAt: number | undefined;
}

/** Of a repository that cannot even be measured. */
export const unknownExtent: RepoExtent = {
  looseObjects: 0,
  packedObjects: 0,
  packs: 0,
  bytes: 0,
  looseRefs: 0,
  hasBitmap: false,
  hasCommitGraph: false,
};

/** What was done last, what needs a look first. */
export const recentHousekeeping = (forge: Forge, limit: number): Housekeeping[] =>
  listHousekeeping(forge.db, limit).map(readRow);

export function lastHousekeeping(forge: Forge, repoId: number): Housekeeping | undefined {
  const row = findHousekeeping(forge.db, repoId);
  return row && readRow(row);
}

export function writeHousekeeping(forge: Forge, housekeeping: Housekeeping): void {
  putHousekeeping(forge.db, toRow(housekeeping));
  forge.events.emit('housekeeping-changed', { repoId: housekeeping.repoId });
}

const toRow = (housekeeping: Housekeeping): HousekeepingRow => ({
  repoId: housekeeping.repoId,
  state: housekeeping.state,
  steps: JSON.stringify(housekeeping.steps),
  error: housekeeping.error ?? null,
  before: JSON.stringify(housekeeping.before),
  after: housekeeping.after === undefined ? null : JSON.stringify(housekeeping.after),
  startedAt: housekeeping.startedAt,
  endedAt: housekeeping.endedAt ?? null,
  sweptAt: housekeeping.sweptAt ?? null,
});

const readRow = (row: HousekeepingRow): Housekeeping => ({
  repoId: row.repoId,
  state: row.state,
  steps: z.array(doneShape).parse(JSON.parse(row.steps)),
  error: row.error ?? undefined,
  before: extentShape.parse(JSON.parse(row.before)),
  after: row.after === null ? undefined : extentShape.parse(JSON.parse(row.after)),
  startedAt: row.startedAt,
  endedAt: row.endedAt ?? undefined,
  sweptAt: row.sweptAt ?? undefined,
});
