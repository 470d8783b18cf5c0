// `npm run soak -- ci`: people push and push again while programs of lanes, lane threads and the forge are killed at
// random. Every so often everything comes to rest and is looked at: nothing may be lost, doubled or left behind.
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { disposeServed, startForge } from '../support/serve.ts';
import { checkInterleavings } from '../ci/interleavings.ts';
import { Beacons } from './beacons.ts';
import { openCiScene, operate, pushRound, type CiScene } from './ci-work.ts';
import { chooseCiVictim, ciVictims, strikeCi, type CiVictim } from './ci-victims.ts';
import { askForge, verifyAtRest, verifyGreen } from './ci-verify.ts';
import { randomFrom } from './soak.ts';

export interface CiSoakOptions {
  pushes: number;
  /** How many orders of steps that are only played go before: see test/ci/interleavings.ts. */
  orders: number;
  seed: number;
  /** Ends earlier, at the next rest. */
  maxMinutes: number;
  say: (line: string) => void;
  signal?: AbortSignal;
}

export interface CiSoakReport {
  pushes: number;
  kills: Record<string, number>;
  lanes: number;
  rests: number;
  faults: string[];
  /** Of the forge after the last kill, at the beginning and the end of the pushes that nothing disturbed. */
  memory: string;
}

export const concurrency = 3;
const pushesPerRest = 100;
/** The last part of the pushes is left in peace, to see what the forge keeps of each. */
const peacefulPart = 0.15;
const minPeacefulPushes = 50;
/** What the heap may grow by in peace; a leak of one log buffer for each lane would be far more. */
const maxGrowthBytes = 24 * 1024 * 1024;

const settings = `[ci]\nconcurrency = ${concurrency}\nleaseSeconds = 6\nheartbeatSeconds = 1\npollSeconds = 1\ngraceSeconds = 1\nretrySeconds = 1\n`;

export async function soakCi(options: CiSoakOptions): Promise<CiSoakReport> {
  const { say } = options;
  const endAt = Date.now() + options.maxMinutes * 60_000;
  const mayGoOn = () => Date.now() < endAt && options.signal?.aborted !== true;
  const report: CiSoakReport = { pushes: 0, kills: {}, lanes: 0, rests: 0, faults: [], memory: '' };
  if (options.orders > 0) {
    const { started, stale } = await checkInterleavings({ seed: options.seed, numRuns: options.orders });
    say(`${options.orders} interleavings: ${started} lanes, ${stale} stale words, every promise held`);
  }
  const beacons = await Beacons.open(concurrency);
  const socket = join(process.env['TMPDIR'] ?? '/tmp', `soak-${randomUUID().slice(0, 8)}`);
  const inside = fileURLToPath(new URL('inside.ts', import.meta.url));
  const env = { NODE_OPTIONS: `--expose-gc --import=${inside}`, SOAK_SOCKET: socket };
  const served = await startForge({ settings, env });
  try {
    const random = randomFrom(options.seed);
    const scene = await openCiScene({ served, beacons, random, socket });
    await rest(scene, report);
    const disturbed = Math.round(options.pushes * (1 - peacefulPart));
    while (report.pushes < disturbed && mayGoOn()) {
      await disturbedPart(scene, { report, until: Math.min(report.pushes + pushesPerRest, disturbed) });
      say(
        `${report.pushes}/${options.pushes} pushes, ${beacons.completed} lanes, killed ${told(report.kills)}`,
      );
    }
    await peace(scene, { report, pushes: options.pushes - disturbed });
    report.faults.push(...(await verifyGreen(scene)));
    report.lanes = beacons.completed;
  } catch (error) {
    report.faults.push(`the soak itself broke off: ${String(error)}\n${served.errors().slice(-2000)}`);
  } finally {
    beacons.close();
    await disposeServed(served).catch((error: unknown) => report.faults.push(String(error)));
    // A forge that was killed leaves it.
    rmSync(socket, { force: true });
  }
  report.faults.push(...beacons.faults);
  return report;
}

export const told = (kills: Record<string, number>): string =>
  Object.entries(kills)
    .map(([victim, count]) => `${victim} ${count} times`)
    .join(', ') || 'nothing';

/** Each of them once before chance decides, so that a short soak kills them all. */
function nextVictim(scene: CiScene): CiVictim | undefined {
  scene.rounds += 1;
  const first = ciVictims[scene.rounds - 1];
  return first ?? (scene.random() < 0.7 ? chooseCiVictim(scene.random) : undefined);
}

async function disturbedPart(
  scene: CiScene,
  { report, until }: { report: CiSoakReport; until: number },
): Promise<void> {
  while (report.pushes < until) {
    const victim = nextVictim(scene);
    const afterMs = scene.random() * 600;
    const round = pushRound(scene);
    if (victim !== undefined) {
      await delay(afterMs);
      const isStruck = await strikeCi(scene, { victim, until: round });
      if (isStruck) report.kills[victim] = (report.kills[victim] ?? 0) + 1;
    }
    report.pushes += await round;
    if (victim === 'the forge') {
      await scene.served.kill();
      await scene.served.restart();
    }
    await operate(scene);
    report.faults.push(...(await scene.settle()));
  }
  await rest(scene, report);
}

async function rest(scene: CiScene, report: CiSoakReport): Promise<void> {
  report.rests += 1;
  report.faults.push(...(await verifyAtRest(scene)));
}

/** Without a kill: what the forge holds after many pushes is what it held before them. */
async function peace(
  scene: CiScene,
  { report, pushes }: { report: CiSoakReport; pushes: number },
): Promise<void> {
  const push = async (count: number): Promise<void> => {
    for (let done = 0; done < count;) {
      const accepted = await pushRound(scene);
      done += accepted;
      report.pushes += accepted;
      report.faults.push(...(await scene.settle()));
    }
    await rest(scene, report);
  };
  // What is made once (caches, statements, spare threads) is made before it is measured.
  await push(Math.round(pushes / 3));
  const before = await askForge(scene);
  await push(pushes - Math.round(pushes / 3));
  const after = await askForge(scene);
  const growth = after.heapUsed + after.external - before.heapUsed - before.external;
  const inMib = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
  report.memory = `heap ${inMib(before.heapUsed)} → ${inMib(after.heapUsed)}, rss ${inMib(before.rss)} → ${inMib(after.rss)}, threads ${before.threads} → ${after.threads}, files ${before.files} → ${after.files}`;
  // A few lanes say nothing about a leak.
  if (pushes < minPeacefulPushes) return;
  if (growth > maxGrowthBytes) report.faults.push(`the forge grew by ${inMib(growth)}: ${report.memory}`);
  if (after.threads > before.threads + 4) report.faults.push(`threads stay behind: ${report.memory}`);
  if (after.files > before.files + 40) report.faults.push(`open files stay behind: ${report.memory}`);
}
