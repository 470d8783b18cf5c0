// Finds processes that a test left behind: those whose environment, command line or working directory
// names the test's own folder. Git and lanes get such a HOME, so they are found even after `setsid`.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

// What ends by itself when it is idle takes its time on a machine that runs everything at once.
const patienceMs = 15_000;

/** The processes that still name `folder` after a moment of patience, as `pid command`. */
export async function findLeftovers(folder: string): Promise<string[]> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const found = listProcesses(folder);
    if (found.length === 0 || Date.now() > deadline) return found;
    await delay(20);
  }
}

/** Asked at once and not beside each other: after every test, for every process, that is most of what the asking costs. */
function listProcesses(folder: string): string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return pids.flatMap((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      // A zombie has an empty command line: it is dead and only waits to be read. So have the threads of the kernel.
      if (command === '') return [];
      const isOf =
        command.includes(folder) ||
        readFileSync(`/proc/${pid}/environ`, 'utf8').includes(folder) ||
        readlinkSync(`/proc/${pid}/cwd`).includes(folder);
      return isOf ? [`${pid} ${command.replaceAll('\0', ' ').trim()}`] : [];
    } catch {
      // It has just ended, or is another user's.
      return [];
    }
  });
}
