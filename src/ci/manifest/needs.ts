// What can be wrong with the lanes of a manifest among each other: an id or a key used twice, needs of a lane
// that does not exist, or a circle.

interface Needing {
  /** The id in the manifest; all lanes of a matrix share it. */
  id: string;
  key: string;
  /** Ids and keys, as the manifest writes them. */
  needs: readonly string[];
  /** The place of the lane in the manifest, from 0. */
  place: number;
}

export interface LaneProblem {
  place: number;
  key: string;
  message: string;
}

export function duplicateProblem(lanes: readonly { id: string }[]): LaneProblem | undefined {
  const seen = new Map<string, number>();
  for (const [place, { id }] of lanes.entries()) {
    const earlier = seen.get(id);
    if (earlier !== undefined) {
      const message = `id: "${id}" is the id of lane number ${earlier + 1} already; expected each id once`;
      return { place, key: 'id', message };
    }
    seen.set(id, place);
  }
  return undefined;
}

/** The keys that a need names: every lane of an id, or the one lane of a key. */
export const keysOfNeed = (lanes: readonly Needing[], need: string): string[] =>
  lanes.filter(({ id, key }) => id === need || key === need).map(({ key }) => key);

export function needsProblem(lanes: readonly Needing[]): LaneProblem | undefined {
  const known = new Set(lanes.flatMap(({ id, key }) => [id, key]));
  for (const { id, place, needs } of lanes) {
    const unknown = needs.find((need) => !known.has(need));
    if (unknown !== undefined) {
      const others = [...known].filter((other) => other !== id).join(', ') || 'none';
      const message = `needs of lane "${id}": there is no lane "${unknown}"; expected one of: ${others}`;
      return { place, key: 'needs', message };
    }
  }
  return undefined;
}

/** Takes lanes whose needs are keys. */
export function cycleProblem(lanes: readonly Needing[]): LaneProblem | undefined {
  const needsOf = new Map(lanes.map(({ key, needs }) => [key, needs]));
  const cleared = new Set<string>();
  const follow = (key: string, trail: string[]): string[] | undefined => {
    if (trail.includes(key)) return [...trail.slice(trail.indexOf(key)), key];
    if (cleared.has(key)) return undefined;
    for (const need of needsOf.get(key) ?? []) {
      const circle = follow(need, [...trail, key]);
      if (circle !== undefined) return circle;
    }
    cleared.add(key);
    return undefined;
  };
  for (const { key, place } of lanes) {
    const circle = follow(key, []);
    if (circle !== undefined) {
      const message = `needs: the lanes wait for each other: ${circle.join(' → ')}`;
      return { place, key: 'needs', message };
    }
  }
  return undefined;
}
