// Random orders of everything that can happen to CI, for the property test and the soak.
import fc from 'fast-check';
import type { LaneResult } from '../../src/ci/lanes/lane-message.ts';
import { branchCount, headCount, openStage, World, type Stage } from './property-world.ts';

const branch = fc.nat(branchCount - 1);
const lane = fc.nat(50);
const key = fc.constantFrom('a', 'b', 'c', 'd', 'a.22');
const result = fc.constantFrom<LaneResult>(
  { outcome: 'success', exitCode: 0 },
  { outcome: 'failed', failureKind: 'test_failure', exitCode: 1 },
  { outcome: 'failed', failureKind: 'timeout', message: 'took longer than 30 min' },
  { outcome: 'failed', failureKind: 'infrastructure', message: 'the disk is full' },
  { outcome: 'failed', failureKind: 'unkillable', message: '1 of its programs could not be ended' },
  { outcome: 'stopped', cause: 'lost' },
);

/** Each step is told by its name when a counterexample is printed. */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ push: branch, head: fc.nat(headCount - 1) }) },
  { weight: 8, arbitrary: fc.constant({ pass: true as const }) },
  { weight: 8, arbitrary: fc.record({ end: lane, result }) },
  { weight: 2, arbitrary: fc.record({ beat: lane }) },
  { weight: 2, arbitrary: fc.record({ print: lane }) },
  {
    weight: 3,
    arbitrary: fc.record({ cancel: branch, lane: fc.option(key, { nil: undefined }), force: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      rerun: branch,
      scope: fc.oneof(fc.constantFrom('failed' as const, 'all' as const), fc.record({ lane: key })),
    }),
  },
  { weight: 3, arbitrary: fc.record({ advance: fc.constantFrom(1, 60, 130, 1000) }) },
  { weight: 1, arbitrary: fc.record({ fail: branch, lane: key }) },
  { weight: 1, arbitrary: fc.record({ requeue: branch, lane: key }) },
  { weight: 1, arbitrary: fc.record({ recover: branch }) },
  { weight: 1, arbitrary: fc.record({ again: branch }) },
  { weight: 1, arbitrary: fc.record({ pause: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ clear: fc.constantFrom('local', 'box') }) },
  { weight: 1, arbitrary: fc.constant({ crash: true as const }) },
  { weight: 1, arbitrary: fc.constant({ restart: true as const }) },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

async function take(world: World, one: Step): Promise<void> {
  if ('push' in one) world.push(one.push, one.head);
  else if ('pass' in one) await world.pass();
  else if ('end' in one) world.end(one.end, one.result);
  else if ('beat' in one) world.beat(one.beat);
  else if ('print' in one) world.print(one.print);
  else if ('cancel' in one) await world.cancel(one.cancel, one);
  else if ('rerun' in one) await world.rerun(one.rerun, one.scope);
  else if ('fail' in one) await world.fail(one.fail, one.lane);
  else if ('requeue' in one) await world.requeue(one.requeue, one.lane);
  else if ('recover' in one) await world.recover(one.recover);
  else if ('again' in one) await world.again(one.again);
  else if ('pause' in one) await world.pause(one.pause);
  else if ('clear' in one) await world.clearTarget(one.clear);
  else if ('advance' in one) world.advance(one.advance);
  else if ('crash' in one) await world.crash();
  else await world.stopAndStart();
}

/** How much was looked at. */
export interface Explored {
  orders: number;
  steps: number;
  /** Lanes that were started, and words of lanes whose claim no longer stood. */
  started: number;
  stale: number;
}

/** Throws with the shortest order of steps that breaks a promise; `path` leads to one that was found before. */
export async function checkInterleavings(options: {
  seed: number;
  numRuns: number;
  path?: string;
}): Promise<Explored> {
  const explored: Explored = { orders: 0, steps: 0, started: 0, stale: 0 };
  let stage: Stage | undefined;
  const close = async (): Promise<void> => {
    const closing = stage;
    stage = undefined;
    await closing?.test.dispose();
  };
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 80, size: 'max' }), async (taken) => {
        explored.orders += 1;
        explored.steps += taken.length;
        stage ??= await openStage();
        const world = await World.open(stage, `w${explored.orders}`);
        try {
          await follow(world, taken);
        } catch (error) {
          // What is left in the queue must not confuse the next order.
          await close();
          throw error;
        }
        explored.started += world.lanes.length;
        explored.stale += world.staleWords;
      }),
      { ...options, endOnFailure: false },
    );
    return explored;
  } finally {
    await close();
  }
}

async function follow(world: World, taken: readonly Step[]): Promise<void> {
  for (const one of taken) {
    await take(world, one);
    world.check();
  }
  await world.drain();
}
