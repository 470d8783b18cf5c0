// Finds processes that a test left behind: those whose environment, command line or working directory
// names the test's own folder. Git and lanes get such a HOME, so they are found even after `setsid`.
import { readdir, readFile, readlink } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

// What ends by itself when it is idle takes its time on a machine that runs everything at once.
const patienceMs = 15_000;

/** The processes that still name `folder` after a moment of patience, as `pid command`. */
export async function findLeftovers(folder: string): Promise<string[]> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const found = await listProcesses(folder);
    if (found.length === 0 || Date.now() > deadline) return found;
    await delay(20);
  }
}

async function listProcesses(folder: string): Promise<string[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const found: string[] = [];
  for (const pid of pids) {
    if (Number(pid) === process.pid) continue;
    const [environment, command, workingFolder] = await Promise.all([
      readFile(`/proc/${pid}/environ`, 'utf8').catch(() => ''),
      readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
      readlink(`/proc/${pid}/cwd`).catch(() => ''),
    ]);
    // A zombie has an empty command line: it is dead and only waits to be read.
    if (command === '' || ![environment, command, workingFolder].some((text) => text.includes(folder)))
      continue;
    found.push(`${pid} ${command.replaceAll('\0', ' ').trim()}`);
  }
  return found;
}
