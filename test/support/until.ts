// Waits for a fact, in tests, in what is set up before them, and in benchmarks. The time is for a fault, not for a slow
// machine: what takes longer is broken.
import { setTimeout as delay } from 'node:timers/promises';

const enoughMs = 100_000;

export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  patienceMs = enoughMs,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`It did not come to pass that ${what}.`);
    await delay(50);
  }
}
