// Kills the forge, or a part of it, again and again while people work, and looks after every restart whether its
// promise held: what was answered ok is there, a merge is whole or absent, and nobody has to clean up.
import { setTimeout as delay } from 'node:timers/promises';
import { disposeServed, startForge } from '../support/serve.ts';
import { moments, onlyRepo, type Moment } from './moments.ts';
import { verify, verifyEnd } from './verify.ts';
import { chooseVictim, kill, processesOf, type Victim } from './victims.ts';
import { openScene, prepareWork, type Scene } from './work.ts';

export interface SoakOptions {
  points: number;
  /** The same seed chooses the same work, moments and victims. */
  seed: number;
  /** Ends earlier, after the point in progress. */
  maxMinutes: number;
  say: (line: string) => void;
  /** Ends after the point in progress, too. */
  signal?: AbortSignal;
}

export interface SoakReport {
  /** How often something was killed while work was under way. */
  struck: number;
  /** How many rounds ended before their moment came; the forge was killed at rest then. */
  atRest: number;
  /** How many pushes and merges were answered ok, and looked for afterwards. */
  answered: number;
  faults: string[];
}

const replacedMs = 20_000;

/** Short leases, so that a lane whose thread died is taken up again soon, and so much housekeeping as there can be. */
const settings =
  '[ci]\nconcurrency = 2\nleaseSeconds = 3\nheartbeatSeconds = 1\npollSeconds = 1\ngraceSeconds = 1\n' +
  '[housekeeping]\nmaxLooseObjects = 10\nmaxPacks = 1\nmaxLooseRefs = 3\nminIndexedObjects = 5\n';

export async function soak({ points, seed, maxMinutes, say, signal }: SoakOptions): Promise<SoakReport> {
  const random = randomFrom(seed);
  const served = await startForge({ settings });
  const report: SoakReport = { struck: 0, atRest: 0, answered: 0, faults: [] };
  const endAt = Date.now() + maxMinutes * 60_000;
  try {
    const scene = await openScene(served, random);
    await (
      await prepareWork(scene, { merge: false, housekeeping: true })
    )();
    report.faults.push(...(await verify(scene, [])).faults);
    let point = 0;
    for (const moment of moments(random)) {
      if (point >= points || Date.now() > endAt || signal?.aborted === true) break;
      point += 1;
      const victim = chooseVictim(random);
      const line = await strike(scene, { moment, victim, report });
      say(`${point}/${points} ${line}`);
    }
    report.faults.push(...(await verifyEnd(scene)));
  } catch (error) {
    report.faults.push(`the soak itself broke off: ${String(error)}\n${served.errors().slice(-2000)}`);
  } finally {
    await disposeServed(served).catch((error: unknown) => report.faults.push(String(error)));
  }
  return report;
}

/** One point: work, a blow, a restart, a look. Answers a line about it. */
async function strike(
  scene: Scene,
  { moment, victim, report }: { moment: Moment; victim: Victim; report: SoakReport },
): Promise<string> {
  const { served, random } = scene;
  const work = await prepareWork(scene, moment.needs);
  let hasStruck = false;
  const times = [Date.now()];
  const folders = { data: served.data, repo: onlyRepo(served.data) };
  const disarm = moment.arm(folders, () => {
    hasStruck ||= kill(victim, served.pid, random);
  });
  // What breaks off is told by the ledger; a refusal to connect is part of the game.
  const outcome = await work().then(
    () => '',
    () => ', broken off',
  );
  disarm();
  times.push(Date.now());
  const before = processesOf(served.data);
  const alive = hasStruck && victim !== 'the forge' ? await livesOn(scene) : [];
  if (hasStruck && victim !== 'the forge') await served.stop();
  else await served.kill();
  await served.restart();
  times.push(Date.now());
  const { faults, answered } = await verify(scene, before);
  times.push(Date.now());
  const found = [...alive, ...faults].map((fault) => `${moment.name}, ${victim}: ${fault}`);
  report.faults.push(...found);
  report.answered += answered;
  if (hasStruck) report.struck += 1;
  else report.atRest += 1;
  const what = hasStruck ? `killed ${victim}` : 'the moment did not come; killed the forge at rest';
  const [working, restarting, looking] = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  const took = `work ${working} ms, restart ${restarting} ms, look ${looking} ms`;
  return [`${moment.name}: ${what}${outcome}; ${answered} answered ok (${took})`, ...found].join('\n  ');
}

/** A forge that lost a part of itself still answers, and replaces what it lost. */
async function livesOn({ served, people }: Scene): Promise<string[]> {
  const ok = await fetch(`${served.http}/healthz`).then(
    (response) => response.ok,
    () => false,
  );
  if (!ok) return ['the forge died with a part of itself'];
  const deadline = Date.now() + replacedMs;
  for (;;) {
    const listed = await people[0]?.tryGit('ls-remote', 'origin');
    if (listed?.status === 0) return [];
    if (Date.now() > deadline) return [`SSH was not served again: ${listed?.stderr ?? ''}`];
    await delay(200);
  }
}

/** mulberry32: small, and good enough to choose moments. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
