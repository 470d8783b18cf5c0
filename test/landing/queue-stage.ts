// What every world of the landing queue is made of: what branches bring, the lanes that judge it, and one forge for many worlds.
import type { Caller } from '../../src/accounts/model.ts';
import type { LaneResult } from '../../src/ci/lanes/lane-message.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import { ForgeError } from '../../src/lib/errors.ts';
import { manifest } from '../support/ci.ts';
import { openTestForge, type TestForge } from '../support/forge.ts';

export const branchCount = 5;
export const reason = 'to see what happens';

/** What a branch brings. `left` and `right` are green alone and red together; two `same` conflict; `red` is red alone. */
export const changes = ['fine', 'left', 'right', 'same', 'red'] as const;
export type ChangeKind = (typeof changes)[number];

export const lanes = manifest(
  'id = "a"\ncommand = "a"',
  'id = "b"\ncommand = "b"\nneeds = ["a"]',
  'id = "opt"\ncommand = "opt"\nrequired = false',
);
/** Who merges by hand has a branch that contains the target, so that what lands was tested; the queue tests it itself. */
export const policyOf = (batch: number, speculation: number): string =>
  `[gate]\nup_to_date = true\n[landing]\nbatch = ${batch}\nspeculation = ${speculation}\nmax_wait_minutes = 600\n`;

export interface Stage {
  test: TestForge;
  clock: SettableClock;
  caller: Caller;
}

export async function openStage(): Promise<Stage> {
  const clock = new SettableClock();
  const settings = { ci: { concurrency: 8, sandbox: 'none', pollSeconds: 3600 } };
  const test = await openTestForge({ clock, settings });
  return { test, clock, caller: test.account('ada', 'admin').caller };
}

export const faults: Record<'flake' | 'machine', LaneResult> = {
  flake: { outcome: 'failed', failureKind: 'test_failure', exitCode: 1 },
  machine: { outcome: 'failed', failureKind: 'infrastructure', message: 'the disk is full' },
};

/** A person may ask for what is not possible just now; a sentence is the answer, and any other error a fault. */
export async function permitRefusal(ask: () => unknown): Promise<void> {
  try {
    await ask();
  } catch (error) {
    if (!(error instanceof ForgeError) || error.code === 'internal') throw error;
  }
}

/** One row of landings as it is stored. */
export interface LandingRow {
  id: number;
  state: string;
  priority: number;
  reason: string | null;
  reason_since: number | null;
  branch_id: number;
  end_cause: string | null;
  end_message: string | null;
}
