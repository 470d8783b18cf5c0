// What the target branch says about the lanes of a branch (SECURITY L2): which are required, and which secrets they
// may ask for. A branch changes its own lanes, but not what it is judged by; that changes when it has landed.
import type { LaneSpec } from './manifest.ts';

/**
 * The lanes of a branch as the target wants them. A lane that the target requires is required here too; one that the
 * branch has no more is taken from the target, with what it needs. Undefined: the target has no manifest that can be
 * read, so it requires nothing and lets no secret out.
 */
export function applyPolicy(lanes: readonly LaneSpec[], target: readonly LaneSpec[] | undefined): LaneSpec[] {
  const policy = target ?? [];
  const required = new Set(policy.filter((lane) => lane.required).map(({ key }) => key));
  const own = lanes.map((lane) => limitSecrets(asRequired(lane, required), policy));
  return [...own, ...absentLanes(lanes, policy)];
}

function asRequired(lane: LaneSpec, required: ReadonlySet<string>): LaneSpec {
  if (lane.required || !required.has(lane.key)) return lane;
  return { ...lane, required: true, extras: { ...lane.extras, requiredByTarget: 'optional' } };
}

function limitSecrets(lane: LaneSpec, policy: readonly LaneSpec[]): LaneSpec {
  const granted = new Set(policy.filter(({ id }) => id === lane.id).flatMap(({ extras }) => extras.secrets));
  const refusedSecrets = lane.extras.secrets.filter((name) => !granted.has(name));
  if (refusedSecrets.length === 0) return lane;
  const secrets = lane.extras.secrets.filter((name) => granted.has(name));
  return { ...lane, extras: { ...lane.extras, secrets, refusedSecrets } };
}

function absentLanes(lanes: readonly LaneSpec[], policy: readonly LaneSpec[]): LaneSpec[] {
  const present = new Set(lanes.map(({ key }) => key));
  const byKey = new Map(policy.map((lane) => [lane.key, lane]));
  const wanted = new Set<string>();
  const take = (key: string): void => {
    const lane = byKey.get(key);
    if (lane === undefined || present.has(key) || wanted.has(key)) return;
    wanted.add(key);
    for (const need of lane.needs) take(need);
  };
  for (const { key, required } of policy) if (required) take(key);
  return policy
    .filter(({ key }) => wanted.has(key))
    .map((lane) => ({ ...lane, extras: { ...lane.extras, requiredByTarget: 'absent' } }));
}
