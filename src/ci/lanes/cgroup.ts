// Control groups (Linux) that limit how many programs an attempt may have, and know them all whatever they did to hide.
// Used where the forge may make groups below its own: as root, or where systemd delegates them.
import { mkdirSync, readFileSync, readdirSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** With `DelegateSubgroup=pika-forge` the forge itself lies in this group, and those of its lanes beside it. */
const ownSubgroup = 'pika-forge';
const namePrefix = 'pika-lane-';
const tries = 25;
const tryAgainMs = 20;
const oldMs = 60 * 60 * 1000;

/** The folder below which groups with a limit of programs can be made; undefined where there is none. */
export function findCgroups(): string | undefined {
  try {
    return candidates().find(canLimit);
  } catch {
    // Not Linux, or /proc is not readable.
    return undefined;
  }
}

/** The group of an attempt. `name` is unique on the machine. */
export function makeCgroup(parent: string, name: string, maxPrograms: number): string {
  const folder = cgroupOf(parent, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'pids.max'), String(maxPrograms));
  return folder;
}

export const cgroupOf = (parent: string, name: string): string => join(parent, `${namePrefix}${name}`);

/** Those of the forge's own machine view; programs of other PID namespaces show as 0 and are left out. */
export function listPidsOfCgroup(folder: string): number[] {
  try {
    const pids = readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n').map(Number);
    return pids.filter((pid) => pid > 0);
  } catch {
    return [];
  }
}

/** How often the limit has refused a program. */
export function countRefused(folder: string): number {
  try {
    return Number(/^max (\d+)$/m.exec(readFileSync(join(folder, 'pids.events'), 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** What has just been killed stays in it for a moment, until its parent has heard of it. */
export async function removeCgroup(folder: string): Promise<void> {
  for (let left = tries; left > 0 && !isRemoved(folder); left -= 1) await delay(tryAgainMs);
}

/** Takes away what an earlier forge left: groups of names that start with `prefix`, and old ones of whomever. */
export function sweepCgroups(parent: string, prefix: string): void {
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(namePrefix)) continue;
    const folder = join(parent, name);
    // One that is as old has programs, or will never have any: only an empty group can be removed.
    const isOld = Date.now() - madeAt(folder) > oldMs;
    if (isOld || name.startsWith(`${namePrefix}${prefix}`)) isRemoved(folder);
  }
}

function madeAt(folder: string): number {
  try {
    return statSync(folder).mtimeMs;
  } catch {
    return Date.now();
  }
}

/** False while a program is left in it. */
function isRemoved(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

function candidates(): string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n').map(readMount);
  const found: string[] = [];
  for (const line of readFileSync('/proc/self/cgroup', 'utf8').split('\n')) {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    const isUnified = controllers === '';
    if (path === '' || (!isUnified && !controllers.split(',').includes('pids'))) continue;
    const mount = mounts.find(({ type, options }) =>
      isUnified ? type === 'cgroup2' : type === 'cgroup' && options.includes('pids'),
    );
    if (mount === undefined || !path.startsWith(mount.root)) continue;
    const own = join(mount.folder, path.slice(mount.root === '/' ? 0 : mount.root.length));
    found.push(basename(own) === ownSubgroup ? dirname(own) : own);
  }
  return found;
}

/** `36 35 98:0 ROOT FOLDER rw,… - TYPE SOURCE OPTIONS` (proc_pid_mountinfo(5)). */
function readMount(line: string): { root: string; folder: string; type: string; options: string[] } {
  const [before = '', after = ''] = line.split(' - ');
  const [, , , root = '', folder = ''] = before.split(' ');
  const [type = '', , options = ''] = after.split(' ');
  return { root, folder, type, options: options.split(',') };
}

function canLimit(parent: string): boolean {
  const folder = join(parent, `${namePrefix}probe-${process.pid}`);
  try {
    mkdirSync(folder);
  } catch {
    return false;
  }
  try {
    enablePids(parent);
    writeFileSync(join(folder, 'pids.max'), '1000');
    return true;
  } catch {
    return false;
  } finally {
    isRemoved(folder);
  }
}

function enablePids(parent: string): void {
  try {
    writeFileSync(join(parent, 'cgroup.subtree_control'), '+pids');
  } catch {
    // The first version of cgroups has no such file, and needs none.
  }
}
