// Which lanes run here, and in which order: as the forge would decide it for the working tree, were it pushed as it is.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { manifestPath } from '../ci/manifest/manifest-refusal.ts';
import { readLanes, readManifest, type LaneSpec, type Manifest } from '../ci/manifest/manifest.ts';
import { applyPolicy } from '../ci/manifest/policy.ts';
import { selectLanes } from '../ci/manifest/selection.ts';
import { ForgeError } from '../lib/errors.ts';
import { notFound } from './failure.ts';
import { cleanLine } from './output.ts';
import { changedSince, readAt, type WorkingTree } from './working-tree.ts';

// What a forge takes unless its configuration says otherwise.
const limits = { maxLanesPerManifest: 64, maxLaneMinutes: 24 * 60 };

export interface LocalPlan {
  /** In an order in which every lane comes after what it needs; of named lanes these alone, and what they bring along. */
  lanes: LaneSpec[];
  /** The keys of those that run. */
  chosen: ReadonlySet<string>;
  /** The keys of those that were asked for by name. */
  named: ReadonlySet<string>;
  /** How many paths differ from the merge base; undefined: nothing to compare with, every lane runs. */
  changed: number | undefined;
}

export interface PlanWishes {
  /** Ids or keys of lanes; none: those that the changes select. */
  names: readonly string[];
  all: boolean;
  /** Whether named lanes bring what they need along. */
  withNeeds: boolean;
}

/** Refuses (2) a bad manifest with line, key and what was expected, and (4) a lane that is not there. */
export function planHere(tree: WorkingTree, wishes: PlanWishes): LocalPlan {
  const ofTarget = targetLanes(tree);
  const own = ownManifest(tree);
  const lanes = applyPolicy(own.lanes, ofTarget);
  if (lanes.length + own.nightlies.length === 0)
    throw notFound(`There is no ${manifestPath} with lanes in ${tree.top}.`);
  const changed = changedSince(tree.top, tree.target?.base);
  // By the paths of either side, as on the forge.
  const selected = new Set([...selectLanes(lanes, changed), ...selectLanes(ofTarget ?? [], changed)]);
  // A nightly runs by its name alone.
  const known = [...lanes, ...own.nightlies.flatMap((nightly) => nightly.lanes)];
  const named = new Set(wishes.names.flatMap((name) => keysOf(known, name)));
  const everything = new Set(lanes.map(({ key }) => key));
  const chosen =
    named.size > 0
      ? withNeeds(lanes, named, wishes.withNeeds ? selected : new Set())
      : wishes.all
        ? everything
        : selected;
  const shown = named.size > 0 ? known.filter(({ key }) => chosen.has(key)) : lanes;
  return { lanes: inNeedsOrder(shown), chosen, named, changed: changed?.length };
}

function ownManifest({ top }: WorkingTree): Manifest {
  const path = join(top, manifestPath);
  if (!existsSync(path)) return { lanes: [], nightlies: [] };
  return readManifest(readFileSync(path, 'utf8'), limits);
}

/** The target's manifest says what is required; one that cannot be read says nothing, as on the forge. */
function targetLanes({ top, target }: WorkingTree): LaneSpec[] | undefined {
  const text = target && readAt(top, target.oid, manifestPath);
  if (text === undefined) return undefined;
  try {
    return readLanes(text, limits);
  } catch (error) {
    if (!(error instanceof ForgeError)) throw error;
    return undefined;
  }
}

/** A name is an id, which means its whole matrix, or the key of one lane or nightly. */
function keysOf(lanes: readonly LaneSpec[], name: string): string[] {
  const keys = lanes.filter(({ id, key }) => id === name || key === name).map(({ key }) => key);
  if (keys.length > 0) return keys;
  const known = lanes.map(({ key }) => cleanLine(key)).join(', ');
  throw notFound(`There is no lane ${name}; the lanes are: ${known}.`);
}

function withNeeds(
  lanes: readonly LaneSpec[],
  named: ReadonlySet<string>,
  selected: ReadonlySet<string>,
): Set<string> {
  const chosen = new Set(named);
  for (const key of chosen) {
    const needs = lanes.find((lane) => lane.key === key)?.needs ?? [];
    for (const need of needs) if (selected.has(need)) chosen.add(need);
  }
  return chosen;
}

function inNeedsOrder(lanes: readonly LaneSpec[]): LaneSpec[] {
  const ordered: LaneSpec[] = [];
  const placed = new Set<string>();
  const place = (lane: LaneSpec): void => {
    if (placed.has(lane.key)) return;
    placed.add(lane.key);
    for (const need of lanes) if (lane.needs.includes(need.key)) place(need);
    ordered.push(lane);
  };
  for (const lane of lanes) place(lane);
  return ordered;
}
