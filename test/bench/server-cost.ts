// What a server costs the machine: the time its processes computed and the most memory they held. On a machine that
// is busy with other things, the time computed says more than the time that passed.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';

/** Ticks per second of the times in /proc (proc_pid_stat(5)), as on every Linux. */
const ticksPerSecond = 100;

/** Milliseconds of processor time of the processes and of everything they started that has ended. */
export function computedMs(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    // utime, stime, cutime, cstime
    for (const field of fields.slice(11, 15)) ticks += Number(field);
  }
  return (ticks / ticksPerSecond) * 1000;
}

/** From now on the peak counts anew. */
export function forgetPeaks(pids: readonly number[]): void {
  for (const pid of pids) writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** The most memory that each process held since then, in megabytes. */
export const peakMegabytes = (pids: readonly number[]): number[] =>
  pids.map((pid) => {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Math.round(Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) / 1024);
  });

/** A process and the long-lived ones it started itself. */
export function familyOf(pid: number): number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => parentOf(name) === pid)
    .map(Number);
  return [pid, ...children];
}

function parentOf(name: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
    return Number(stat.replace(/^.*\) /s, '').split(' ')[1]);
  } catch {
    return undefined;
  }
}
