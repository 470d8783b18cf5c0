// A file system of a few megabytes in memory, for what happens when a disk is full. Making one needs root.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Mounts it on a folder, which is made. */
export function mountSmallDisk(folder: string, mebibytes: number): void {
  mkdirSync(folder, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=0700`, 'tmpfs', folder], {
    stdio: 'pipe',
  });
}

export function unmountSmallDisk(folder: string): void {
  execFileSync('umount', ['--lazy', folder], { stdio: 'pipe' });
}

/** Why none can be made here; undefined when one can. */
export function smallDiskProblem(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'pika-disk-'));
  try {
    mountSmallDisk(folder, 1);
    unmountSmallDisk(folder);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    rmdirSync(folder);
  }
}
