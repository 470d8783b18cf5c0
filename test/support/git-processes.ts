// The git processes of a forge, seen from outside.
import { readdirSync, readFileSync } from 'node:fs';

/** The ids of those that name the folder and the service, e.g. `upload-pack`. */
export function gitProcesses(folder: string, service: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const words = read(`/proc/${pid}/cmdline`).split('\0');
      return (
        words[0]?.endsWith('git') === true &&
        words[1] === service &&
        words.some((word) => word.includes(folder))
      );
    })
    .map(Number);
}

/** How many bytes a process has handed on so far. */
export const writtenBytes = (pid: number): number =>
  Number(/^wchar: (\d+)$/m.exec(read(`/proc/${pid}/io`))?.[1] ?? 0);

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It has ended.
    return '';
  }
}
