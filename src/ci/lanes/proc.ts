// Reads /proc (Linux). A program may end between the listing and the look, or belong to somebody else: then it says nothing.
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** The ids of all programs of the machine; none where there is no /proc. */
export const listPids = (): number[] => listProc('/proc').map(Number).filter(Number.isInteger);

/** The names in a folder of /proc; none of what is gone. */
export function listProc(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** A file of /proc, byte for character; empty for what is gone. */
export function readProc(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** Where a link of /proc leads; empty for what is gone. */
export function procLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/** The fields of a program's stat (proc_pid_stat(5)) from its state on, which is the third there; none of one that is gone. */
export function readStat(pid: number): string[] {
  const stat = readProc(`/proc/${pid}/stat`);
  // The second field is a name in brackets, which may hold anything.
  return stat === '' ? [] : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}
