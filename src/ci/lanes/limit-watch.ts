// Looks now and then at what a running lane takes, where the kernel sets no limit of its own: disk, and programs. What
// it finds ends the lane; one measurement never overlaps with the next.
import { statfs } from 'node:fs/promises';
import { measureTree } from './measure-tree.ts';
import { mebibytes } from '../sizes.ts';

export interface WatchedLane {
  folder: string;
  maxDiskBytes: number;
  minFreeBytes: number;
  maxPrograms: number;
  /** How many programs it has; called often, so that it also meets those that live for a moment only. */
  countPrograms: () => number;
  exceeded: (excess: Excess) => void;
}

export interface Excess {
  /** `infrastructure`: the machine is at its end, which is not the lane's fault. */
  failureKind: 'test_failure' | 'infrastructure';
  message: string;
}

const firstLookMs = 50;
const everyMs = 1000;
// A large folder takes long to measure; most of the time belongs to the lane.
const restFactor = 10;

export class LimitWatch {
  readonly #lane: WatchedLane;
  #programTimer: NodeJS.Timeout | undefined;
  #diskTimer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(lane: WatchedLane) {
    this.#lane = lane;
    this.#watchPrograms(firstLookMs);
    this.#diskTimer = setTimeout(() => void this.#watchDisk(), everyMs);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#programTimer);
    clearTimeout(this.#diskTimer);
  }

  #watchPrograms(waitMs: number): void {
    this.#programTimer = setTimeout(() => {
      const count = this.#lane.countPrograms();
      const { maxPrograms, exceeded } = this.#lane;
      if (count > maxPrograms) {
        exceeded({ failureKind: 'test_failure', message: `had more than ${maxPrograms} programs at once` });
      } else this.#watchPrograms(Math.min(everyMs, waitMs * 2));
    }, waitMs);
  }

  async #watchDisk(): Promise<void> {
    const begun = performance.now();
    const excess = await this.#measureDisk().catch(() => undefined);
    if (this.#isStopped) return;
    if (excess !== undefined) this.#lane.exceeded(excess);
    else {
      const wait = Math.max(everyMs, restFactor * (performance.now() - begun));
      this.#diskTimer = setTimeout(() => void this.#watchDisk(), wait);
    }
  }

  async #measureDisk(): Promise<Excess | undefined> {
    const { folder, maxDiskBytes } = this.#lane;
    const { bytes } = await measureTree(folder, maxDiskBytes);
    if (bytes > maxDiskBytes) {
      return {
        failureKind: 'test_failure',
        message: `took more than ${mebibytes(maxDiskBytes)} of the disk`,
      };
    }
    return await findFullDisk(this.#lane);
  }
}

/** Why a lane cannot go on there: the machine has no more room for it. */
export async function findFullDisk({
  folder,
  minFreeBytes,
}: Pick<WatchedLane, 'folder' | 'minFreeBytes'>): Promise<Excess | undefined> {
  const disk = await statfs(folder);
  if (disk.bavail * disk.bsize >= minFreeBytes) return undefined;
  const message = `the disk that the lane runs on has less than ${mebibytes(minFreeBytes)} left`;
  return { failureKind: 'infrastructure', message };
}
