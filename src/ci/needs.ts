// What can be wrong with the `needs` of a manifest: a lane that does not exist, or a circle.

interface Needing {
  id: string;
  needs?: string[] | undefined;
}

export interface NeedsProblem {
  /** The place of the lane in the manifest, from 0. */
  lane: number;
  key: string;
  message: string;
}

export function needsProblem(lanes: readonly Needing[]): NeedsProblem | undefined {
  const ids = new Set(lanes.map((lane) => lane.id));
  for (const [lane, { id, needs = [] }] of lanes.entries()) {
    const unknown = needs.find((need) => !ids.has(need));
    if (unknown !== undefined) {
      const known = [...ids].filter((other) => other !== id).join(', ') || 'none';
      return {
        lane,
        key: 'needs',
        message: `needs of lane "${id}": there is no lane "${unknown}"; expected one of: ${known}`,
      };
    }
  }
  return undefined;
}

export function cycleProblem(lanes: readonly Needing[]): NeedsProblem | undefined {
  const needsOf = new Map(lanes.map(({ id, needs = [] }) => [id, needs]));
  const cleared = new Set<string>();
  const follow = (id: string, trail: string[]): string[] | undefined => {
    if (trail.includes(id)) return [...trail.slice(trail.indexOf(id)), id];
    if (cleared.has(id)) return undefined;
    for (const need of needsOf.get(id) ?? []) {
      const circle = follow(need, [...trail, id]);
      if (circle !== undefined) return circle;
    }
    cleared.add(id);
    return undefined;
  };
  for (const [lane, { id }] of lanes.entries()) {
    const circle = follow(id, []);
    if (circle !== undefined) {
      return { lane, key: 'needs', message: `needs: the lanes wait for each other: ${circle.join(' → ')}` };
    }
  }
  return undefined;
}
