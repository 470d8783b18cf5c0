// Reads .pika/lanes.toml. Every refusal names the line, the key and what was expected, because its
// reader is the person who has just pushed the file.
import { parse as parseToml, TomlError } from 'smol-toml';
import { issueRefusal, refusal } from './manifest-refusal.ts';
import {
  manifestSchema,
  type ManifestLimits,
  type ReadDefaults,
  type ReadLane,
  type ReadNightly,
} from './manifest-schema.ts';
import { countCombinations, expandMatrix } from './matrix.ts';
import type { LaneExtras } from '../model.ts';
import { cycleProblem, duplicateProblem, keysOfNeed, needsProblem } from './needs.ts';
import { lineOf } from './toml-lines.ts';

export interface LaneSpec {
  /** The id in the manifest; all lanes of a matrix share it. */
  id: string;
  /** The id, and after it the values of its matrix. */
  key: string;
  title: string;
  /** argv, or one string that `sh -euc` runs. */
  command: string | string[];
  /** Undefined: the lane always runs. */
  paths: string[] | undefined;
  /** The keys of the lanes it waits for. */
  needs: string[];
  group: string | undefined;
  required: boolean;
  env: Record<string, string>;
  timeoutSeconds: number;
  idleSeconds: number;
  target: string;
  extras: LaneExtras;
}

export interface NightlySpec {
  id: string;
  /** A cron pattern of five fields, in UTC. */
  schedule: string;
  /** One, or one for each combination of its matrix. */
  lanes: LaneSpec[];
}

export interface Manifest {
  lanes: LaneSpec[];
  nightlies: NightlySpec[];
}

const defaultTimeoutMinutes = 30;
const defaultIdleMinutes = 10;
/** The place a lane runs on when its manifest names none: the machine of the forge. */
export const localTarget = 'local';

/** The lanes of a manifest, in its order. Refuses (`invalid`) with one sentence. */
export const readLanes = (text: string, limits: ManifestLimits): LaneSpec[] =>
  readManifest(text, limits).lanes;

/** Lanes and nightlies, a matrix as its single lanes. Refuses (`invalid`) with one sentence. */
export function readManifest(text: string, limits: ManifestLimits): Manifest {
  const parsed = manifestSchema(limits).safeParse(parseText(text));
  if (!parsed.success) {
    // A mistyped key is the cause of the missing one; it is told first.
    const { issues } = parsed.error;
    const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
    throw issue === undefined ? refusal('it is not understood') : issueRefusal(text, issue);
  }
  const { lane = [], nightly = [], defaults = {} } = parsed.data;
  const source = { text, limits, defaults };
  return { lanes: readTables(source, lane), nightlies: readNightlies(source, nightly) };
}

interface Source {
  text: string;
  limits: ManifestLimits;
  defaults: ReadDefaults;
}

function parseText(text: string): unknown {
  try {
    return parseToml(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const summary = error.message.split('\n')[0] ?? 'not TOML';
    throw refusal(summary.replace(/^Invalid TOML document: /, 'this is not TOML: '), error.line);
  }
}

function readTables(source: Source, tables: ReadLane[]): LaneSpec[] {
  refuse(source, 'lane', duplicateProblem(tables));
  refuseTooMany(source, 'lane', tables);
  const placed = tables.flatMap((table, place) =>
    expand(source, { kind: 'lane', table, place }).map((lane) => ({ ...lane, place })),
  );
  refuse(source, 'lane', needsProblem(placed));
  const lanes = placed.map((lane) => {
    const needs = new Set(lane.needs.flatMap((need) => keysOfNeed(placed, need)));
    return { ...lane, needs: [...needs] };
  });
  refuse(source, 'lane', cycleProblem(lanes));
  return lanes.map((placed) => {
    const { place: _, ...lane } = placed;
    return lane;
  });
}

function readNightlies(source: Source, tables: ReadNightly[]): NightlySpec[] {
  refuse(source, 'nightly', duplicateProblem(tables));
  refuseTooMany(source, 'nightly', tables);
  return tables.map(({ schedule, ...table }, place) => ({
    id: table.id,
    schedule,
    lanes: expand(source, { kind: 'nightly', table, place }),
  }));
}

/** Asked before any of them is made: a short manifest may spell millions. */
function refuseTooMany(source: Source, kind: Kind, tables: Omit<ReadLane, 'paths' | 'needs'>[]): void {
  const counts = tables.map(countCombinations);
  const count = counts.reduce((sum, more) => sum + more, 0);
  const { maxLanesPerManifest } = source.limits;
  if (count <= maxLanesPerManifest) return;
  const largest = counts.indexOf(Math.max(...counts));
  const message = `matrix: ${count} lanes are spelled; expected at most ${maxLanesPerManifest}`;
  throw refusal(message, lineOf(source.text, [kind, largest, 'matrix']));
}

type Kind = 'lane' | 'nightly';

function refuse(
  source: Source,
  kind: Kind,
  problem: { place: number; key: string; message: string } | undefined,
): void {
  if (problem === undefined) return;
  const message =
    kind === 'lane' ? problem.message : problem.message.replace('lane number', 'nightly number');
  throw refusal(message, lineOf(source.text, [kind, problem.place, problem.key]));
}

function expand(
  source: Source,
  { kind, table, place }: { kind: Kind; table: ReadLane; place: number },
): LaneSpec[] {
  const expanded = expandMatrix(table);
  if (!Array.isArray(expanded)) throw refuseAt(source, { kind, place, ...expanded });
  return expanded.map(({ key, values, lane }) => {
    if (values !== undefined) refuseValues(source, { kind, place, table: lane });
    return specOf(source.defaults, { key, values, lane });
  });
}

const refuseAt = (source: Source, problem: { kind: Kind; place: number; key: string; message: string }) =>
  refusal(problem.message, lineOf(source.text, [problem.kind, problem.place, problem.key]));

/** With the values in it the lane is looked at once more: they may have made a name or a path that is none. */
function refuseValues(
  source: Source,
  { kind, place, table }: { kind: Kind; place: number; table: ReadLane },
) {
  const parsed = manifestSchema(source.limits).safeParse({ lane: [table] });
  const issue = parsed.error?.issues[0];
  if (issue === undefined) return;
  throw issueRefusal(source.text, { ...issue, path: [kind, place, ...issue.path.slice(2)] });
}

function specOf(
  defaults: ReadDefaults,
  { key, values, lane }: { key: string; values: Record<string, string> | undefined; lane: ReadLane },
): LaneSpec {
  return {
    id: lane.id,
    key,
    title: lane.title ?? lane.id,
    command: lane.command,
    paths: lane.paths,
    needs: lane.needs ?? [],
    group: lane.group,
    required: lane.required ?? true,
    env: { ...defaults.env, ...lane.env },
    timeoutSeconds: 60 * (lane.timeout_minutes ?? defaults.timeout_minutes ?? defaultTimeoutMinutes),
    idleSeconds: 60 * (lane.idle_minutes ?? defaults.idle_minutes ?? defaultIdleMinutes),
    target: lane.target ?? localTarget,
    extras: extrasOf(lane, values),
  };
}

function extrasOf(lane: ReadLane, values: Record<string, string> | undefined): LaneExtras {
  const retry = Object.entries(lane.retry ?? {}).filter(([, count]) => count !== undefined && count > 0);
  return {
    ...(values === undefined ? {} : { matrix: values }),
    caches: lane.cache ?? [],
    artifacts: lane.artifacts ?? [],
    reports: lane.reports ?? [],
    secrets: [...new Set(lane.secrets)],
    network: lane.network ?? true,
    retry: Object.fromEntries(retry),
    keepRunning: lane.keep_running ?? false,
  };
}
