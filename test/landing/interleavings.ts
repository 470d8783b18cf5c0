// Random orders of everything that can happen to a landing queue, for the property test and the soak.
import fc from 'fast-check';
import { World } from './property-world.ts';
import { branchCount, changes, openStage, type ChangeKind } from './queue-stage.ts';

const branch = fc.nat(branchCount - 1);
const always = fc.constant(true as const);

/** Each step is told by its name when a counterexample is printed. */
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ push: branch, change: fc.constantFrom(...changes) }) },
  { weight: 8, arbitrary: fc.record({ enqueue: branch, priority: fc.constantFrom(0, 0, 0, 1) }) },
  { weight: 8, arbitrary: fc.record({ settle: always }) },
  { weight: 6, arbitrary: fc.record({ pass: always }) },
  { weight: 4, arbitrary: fc.record({ ci: always }) },
  {
    weight: 8,
    arbitrary: fc.record({
      end: fc.nat(8),
      how: fc.constantFrom('truly' as const, 'truly' as const, 'flake' as const, 'machine' as const),
    }),
  },
  { weight: 5, arbitrary: fc.record({ die: fc.nat(60), isTested: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ cancel: branch }) },
  { weight: 1, arbitrary: fc.record({ prioritize: branch, priority: fc.constantFrom(0, 1) }) },
  { weight: 1, arbitrary: fc.record({ pause: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ hold: branch }) },
  { weight: 1, arbitrary: fc.record({ lift: branch }) },
  { weight: 1, arbitrary: fc.record({ close: branch }) },
  { weight: 4, arbitrary: fc.record({ merge: branch, isForced: fc.constantFrom(true, true, false) }) },
  { weight: 1, arbitrary: fc.record({ cancelRun: always }) },
  { weight: 1, arbitrary: fc.record({ advance: fc.constantFrom(2, 300) }) },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

async function take(world: World, one: Step): Promise<void> {
  if ('push' in one) await world.push(one.push, one.change);
  else if ('enqueue' in one) await world.enqueue(one.enqueue, one.priority);
  else if ('settle' in one) await settle(world);
  else if ('pass' in one) await world.pass();
  else if ('ci' in one) await world.ciPass();
  else if ('end' in one) await world.end(one.end, one.how);
  else if ('die' in one) {
    if (one.isTested) await runLanes(world);
    await world.die(one.die);
  } else if ('cancel' in one) await world.cancel(one.cancel);
  else if ('prioritize' in one) await world.prioritize(one.prioritize, one.priority);
  else if ('pause' in one) await world.pause(one.pause);
  else if ('hold' in one) await world.hold(one.hold);
  else if ('lift' in one) await world.lift(one.lift);
  else if ('close' in one) await world.close(one.close);
  else if ('merge' in one) await world.merge(one.merge, one.isForced);
  else if ('cancelRun' in one) await world.cancelRun();
  else world.advance(one.advance);
}

/** CI starts what waits, all that runs ends truly, and the queue looks: without this, few orders come far. */
async function settle(world: World): Promise<void> {
  await runLanes(world);
  await world.pass();
}

async function runLanes(world: World): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) {
    await world.ciPass();
    for (let lane = 0; lane < 8; lane += 1) await world.end(0, 'truly');
  }
}

/** How much was looked at. */
export interface Explored {
  orders: number;
  steps: number;
  deaths: number;
  landed: number;
}

/** Throws with the shortest order of steps that breaks a promise; `path` leads to one that was found before. */
export async function checkLandings(options: {
  seed: number;
  numRuns: number;
  path?: string;
}): Promise<Explored> {
  const explored: Explored = { orders: 0, steps: 0, deaths: 0, landed: 0 };
  const order = fc.record({
    batch: fc.constantFrom(1, 2, 4),
    speculation: fc.constantFrom(1, 2, 3),
    first: fc.array(fc.constantFrom(...changes), { minLength: 3, maxLength: branchCount }),
    taken: fc.array(step, { minLength: 5, maxLength: 40, size: 'max' }),
  });
  await fc.assert(
    fc.asyncProperty(order, async ({ taken, first, ...size }) => {
      explored.orders += 1;
      explored.steps += taken.length;
      const stage = await openStage();
      const world = await World.open(stage, 'queue', size);
      try {
        await follow(world, { first, taken });
      } finally {
        await world.stop();
        await stage.test.dispose();
      }
      explored.deaths += world.deaths;
      explored.landed += world.landed;
    }),
    { ...options, endOnFailure: false },
  );
  return explored;
}

/** Every order begins with branches that are green as far as they ever get, and queued. */
async function follow(
  world: World,
  { first, taken }: { first: readonly ChangeKind[]; taken: readonly Step[] },
): Promise<void> {
  for (const [place, change] of first.entries()) await world.push(place, change);
  await runLanes(world);
  for (const place of first.keys()) await world.enqueue(place, 0);
  for (const one of taken) {
    await take(world, one);
    await world.check();
  }
  await world.drain();
}
