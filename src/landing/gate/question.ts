import type { Caller } from '../../accounts/model.ts';
import type { Branch } from '../../branches/model.ts';
import type { MergeMethod, Repo } from '../../repos/model.ts';
import type { GateHold, GateMet } from '../model.ts';

export interface GateQuestion {
  repo: Repo;
  branch: Branch;
  caller: Caller;
  /** The head the caller has seen; left out, whatever is there is examined. */
  head?: string | undefined;
  /** How it is to land; left out, as the target's policy says, else as the repository does. */
  method?: MergeMethod | undefined;
  /** The queue tests the merge, with all that the target requires where it is merged. */
  isTestedAgain?: boolean | undefined;
}

/** What one part of the gate found: what must change, and what is fulfilled. */
export interface Findings {
  holds: GateHold[];
  met: GateMet[];
}
