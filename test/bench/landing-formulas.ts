// What arithmetic says of a landing queue that never runs empty, where each branch passes with the same probability
// and branches fail by themselves alone. The simulation is read beside it.

export interface QueueSettings {
  /** Part of the branches that are red on top of the target. */
  failureRate: number;
  batch: number;
  speculation: number;
}

export interface Expected {
  landedPerRun: number;
  /** Branches that land in the time of one run. */
  landedPerRunTime: number;
}

/**
 * Undefined where batches and speculation meet, for which there is no short formula.
 * - One after the other: q lands in each run.
 * - Batches with halving: F(n) = 1 + 2F(n/2) − 2qⁿ runs settle n branches, of which nq land.
 * - Speculation k deep, one branch each: k runs at once, of which the first j land when the one after them is red,
 *   so that q + q² + … + qᵏ land.
 */
export function expectedOf({ failureRate, batch, speculation }: QueueSettings): Expected | undefined {
  const q = 1 - failureRate;
  if (speculation === 1) {
    const landed = (batch * q) / runsOfBatch(batch, q);
    return { landedPerRun: landed, landedPerRunTime: landed };
  }
  if (batch > 1) return undefined;
  let landed = 0;
  for (let depth = 1; depth <= speculation; depth += 1) landed += q ** depth;
  return { landedPerRun: landed / speculation, landedPerRunTime: landed };
}

/** F(n): the whole batch once and, unless it passes, its halves. */
export function runsOfBatch(size: number, q: number): number {
  if (size <= 1) return 1;
  const [left, right] = [Math.ceil(size / 2), Math.floor(size / 2)];
  return 1 + runsOfBatch(left, q) + runsOfBatch(right, q) - 2 * q ** size;
}
