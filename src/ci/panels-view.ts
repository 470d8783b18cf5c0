// What the panels of other verbs show on a run's and a lane's page: failing tests, artifacts, recovery, the shell.
// Each gives its data here under a name of its own; its template `ci/_<name>.njk` is part of both pages and shows
// nothing when its data is not there.
import type { Forge } from '../forge/open.ts';
import { laneArtifacts } from './lanes/artifacts-view.ts';
import { laneRecovery, runRecovery } from './recovery/recovery-view.ts';
import { shellView } from './shells/shell-view.ts';
import type { ShownLane, ShownRun } from './shown-run.ts';
import { laneTests, runTests } from './tests/tests-view.ts';

export function runPanels(forge: Forge, shown: ShownRun): Record<string, unknown> {
  return { tests: runTests(forge, shown), recovery: runRecovery(forge, shown) };
}

export function lanePanels(forge: Forge, shown: ShownLane): Record<string, unknown> {
  return {
    tests: laneTests(forge, shown),
    recovery: laneRecovery(forge, shown),
    shell: shellView(forge, shown),
    artifacts: laneArtifacts(forge, shown),
  };
}
