// Who is killed: the forge, one of the processes it started, or a git of a client's push or of the forge itself.
import { readFileSync, readdirSync } from 'node:fs';
import { cookieName } from '../../src/ci/lanes/survivors.ts';

export type Victim = 'the forge' | 'a child of the forge' | 'a git of the forge';

/** The forge in six of ten cases, because everything else goes with it. */
export function chooseVictim(random: () => number): Victim {
  const dice = random();
  return dice < 0.6 ? 'the forge' : dice < 0.75 ? 'a child of the forge' : 'a git of the forge';
}

/** Kills at once; false when there is nobody of that kind just now. */
export function kill(victim: Victim, forgePid: number, random: () => number): boolean {
  const pids = candidates(victim, forgePid);
  const pid = pids[Math.floor(random() * pids.length)];
  if (pid === undefined) return false;
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}

function candidates(victim: Victim, forgePid: number): number[] {
  if (victim === 'the forge') return [forgePid];
  // What belongs to a lane is left alone: a lane whose program is killed fails, and is right to.
  const all = readProcesses().filter(({ pid }) => !isOfLane(pid));
  if (victim === 'a child of the forge')
    return all.filter(({ parent, name }) => parent === forgePid && name !== 'git').map(({ pid }) => pid);
  const below = new Set([forgePid]);
  // Children come after their parents, unless the numbers have wrapped around: then one is missed.
  for (const { pid, parent } of all) if (below.has(parent)) below.add(pid);
  return all.filter(({ pid, name }) => below.has(pid) && name === 'git').map(({ pid }) => pid);
}

function isOfLane(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`${cookieName}=`);
  } catch {
    return false;
  }
}

interface Running {
  pid: number;
  parent: number;
  name: string;
}

function readProcesses(): Running[] {
  const found: Running[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      // pid (name) state parent …; a name may hold spaces and brackets.
      const text = readFileSync(`/proc/${entry}/stat`, 'latin1');
      const end = text.lastIndexOf(')');
      const parent = Number(text.slice(end + 2).split(' ')[1]);
      found.push({ pid: Number(entry), parent, name: text.slice(text.indexOf('(') + 1, end) });
    } catch {
      // It ended meanwhile.
    }
  }
  return found.sort((a, b) => a.pid - b.pid);
}

/** The processes that name a folder in their command line, environment or working folder, without this one. */
export function processesOf(folder: string): number[] {
  return readProcesses()
    .map(({ pid }) => pid)
    .filter((pid) => pid !== process.pid && namesFolder(pid, folder));
}

function namesFolder(pid: number, folder: string): boolean {
  return ['cmdline', 'environ'].some((file) => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'latin1').includes(folder);
    } catch {
      return false;
    }
  });
}
