// What a shell may take of the machine: the limits of a lane, set by the kernel where it does that and looked after here
// where it does not. And its end: like a lane, it is hunted by its cookie, and by its kin where no namespace holds it.
import type { Forge } from '../../forge/open.ts';
import { makeCgroup, removeCgroup } from '../lanes/cgroup.ts';
import { Kin } from '../lanes/kin.ts';
import type { Bounds, Tier } from '../lanes/lane-message.ts';
import { LimitWatch } from '../lanes/limit-watch.ts';
import type { SandboxLimits } from '../lanes/sandbox.ts';
import { findSurvivors, killSurvivors, type Survivor } from '../lanes/survivors.ts';

/** The programs around the shell: of the sandbox, and those that make its terminal. */
const outerPrograms = 12;
/** Who started the shell is another program of the forge, so its kin are known by everything but their leader. */
const noLeader = 0;

export interface ShellConfines {
  tier: Tier;
  bounds: Bounds;
  cookie: string;
  /** Of the attempt. */
  folder: string;
  exceeded: (message: string) => void;
}

export class ShellLimits {
  /** For the sandbox. */
  readonly sandbox: SandboxLimits;
  readonly #cookie: string;
  readonly #cgroup: string | undefined;
  readonly #kin: Kin | undefined;
  readonly #watch: LimitWatch;

  constructor(forge: Forge, confines: ShellConfines) {
    const { tier, bounds, cookie, folder, exceeded } = confines;
    const { maxTemporaryBytes, maxDiskBytes, maxPrograms } = forge.config.ci;
    const { cgroups } = bounds;
    this.#cookie = cookie;
    this.#cgroup =
      cgroups === undefined ? undefined : makeCgroup(cgroups, cookie, maxPrograms + outerPrograms);
    this.#kin = tier === 'none' ? new Kin({ leader: noLeader, folder, cgroup: this.#cgroup }) : undefined;
    this.sandbox = {
      bounds,
      maxTemporaryBytes,
      maxPrograms,
      maxFileBytes: maxDiskBytes,
      cgroup: this.#cgroup,
    };
    const isCounted = bounds.programs === 'counted';
    this.#watch = new LimitWatch({
      folder,
      maxDiskBytes,
      maxPrograms,
      minFreeBytes: forge.config.limits.minFreeMebibytes * 1024 * 1024,
      countPrograms: () => (isCounted || this.#kin !== undefined ? this.#count(isCounted) : 0),
      exceeded: ({ message }) => exceeded(message),
    });
  }

  /** Ends every program of the shell; answers what the kernel cannot end now. */
  kill(): Promise<Survivor[]> {
    this.#watch.stop();
    return killSurvivors(this.#cookie, { kin: this.#kin });
  }

  /** Gives back what it held of the machine, when nothing of it lives. */
  release(): void {
    if (this.#cgroup !== undefined) void removeCgroup(this.#cgroup);
  }

  #count(isCounted: boolean): number {
    const found = findSurvivors(this.#cookie);
    const count = this.#kin?.look(found.map(({ pid }) => pid)).length ?? found.length;
    return isCounted ? count : 0;
  }
}
