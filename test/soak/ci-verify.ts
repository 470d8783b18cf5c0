// What must be true of CI whenever everything is at rest: each head has its run, each lane one end that fits what was
// done to it, and of the lanes nothing is left but their rows and logs.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { cookiePrefix } from '../../src/ci/lanes/launch.ts';
import { findSurvivors } from '../../src/ci/lanes/survivors.ts';
import { askInside } from './ci-victims.ts';
import { ask, lanesPerRun, operate, type CiScene } from './ci-work.ts';
import { onlyRepo } from './moments.ts';
import { askDoctor, compareRows, examineObjects, readRefs, rows, settled } from './verify.ts';

/** The queue of a hundred pushes is worked off by a machine that has other things to do as well. */
const patienceMs = 300_000;

/** Waits until every lane has ended, and looks at everything. */
export async function verifyAtRest(scene: CiScene): Promise<string[]> {
  const { data } = scene.served;
  const repo = onlyRepo(data);
  return [
    ...(await settled(async () => {
      await operate(scene);
      return [...listUnfinished(data), ...compareRows(data, await readRefs(repo)), ...listLeft(scene)];
    }, patienceMs)),
    ...examineEnds(scene),
    ...examineLogs(scene),
    ...(await examineObjects(repo)),
    ...(await askDoctor(scene)),
  ];
}

/** What was killed runs again when it is asked for, and then every newest run is green. */
export async function verifyGreen(scene: CiScene): Promise<string[]> {
  const red = (): { number: number; state: string; name: string }[] =>
    rows(
      scene.served.data,
      `SELECT runs.number, runs.state, branches.name FROM runs JOIN branches ON branches.id = branch_id
        WHERE branches.state = 'open' AND runs.revision = branches.revision AND runs.state <> 'success'`,
    );
  for (const { number } of red()) await ask(scene, `/runs/${number}/rerun`, { failed: true });
  const faults = await verifyAtRest(scene);
  return [
    ...faults,
    ...red().map(({ number, state, name }) => `run ${number} of ${name} is ${state} at last`),
  ];
}

function listUnfinished(data: string): string[] {
  return [
    ...rows<{ key: string; state: string; reason: string | null; run: number }>(
      data,
      `SELECT key, attempt.state, reason, runs.number AS run FROM lane_attempts AS attempt
         JOIN lanes ON lanes.id = lane_id JOIN runs ON runs.id = run_id
        WHERE attempt.state IN ('queued', 'running', 'cancelling')`,
    ).map(({ key, state, reason, run }) => `lane ${key} of run ${run} is still ${state} ${reason ?? ''}`),
    ...rows<{ number: number; state: string }>(
      data,
      `SELECT number, state FROM runs WHERE state IN ('queued', 'running')`,
    ).map(({ number, state }) => `run ${number} is still ${state}`),
  ];
}

/** Programs, checkouts and pipes of lanes that have ended. */
function listLeft({ served, beacons }: CiScene): string[] {
  const { data } = served;
  const programs = findSurvivors(cookiePrefix(data)).map(({ pid }) => `program ${pid} of a lane lives on`);
  const open = beacons.list().map(({ attempt, token }) => `a lane ${attempt}-${token} still talks`);
  // The folder of a lane that failed is kept for a debug shell.
  const kept = new Set(
    rows<{ name: string }>(
      data,
      `SELECT id || '-' || token AS name FROM lane_attempts WHERE kept_until IS NOT NULL`,
    ).map(({ name }) => name),
  );
  const checkouts = readdirSync(join(data, 'checkouts'))
    .filter((name) => /^\d+-\d+$/.test(name) && !kept.has(name))
    .map((name) => `the checkout ${name} stayed behind`);
  return [...programs, ...open, ...checkouts];
}

interface Ended {
  id: number;
  token: number;
  key: string;
  run: number;
  state: string;
  failure: string | null;
  skip: string | null;
  message: string | null;
}

const selectEnded = `SELECT attempt.id, token, key, runs.number AS run, attempt.state, failure_kind AS failure,
    skip_cause AS skip, message FROM lane_attempts AS attempt JOIN lanes ON lanes.id = lane_id
    JOIN runs ON runs.id = run_id`;

/** Each run has all its lanes; a lane failed only when it was struck, and succeeded once unless somebody wanted it again. */
function examineEnds(scene: CiScene): string[] {
  const { data } = scene.served;
  const incomplete = rows<{ number: number; lanes: number }>(
    data,
    `SELECT number, (SELECT count(*) FROM lanes WHERE run_id = runs.id) AS lanes FROM runs
      WHERE lanes <> ${lanesPerRun}`,
  ).map(({ number, lanes }) => `run ${number} has ${lanes} lanes`);
  const doubled = rows<{ key: string; run: number }>(
    data,
    `SELECT key, runs.number AS run FROM lanes JOIN runs ON runs.id = run_id
      WHERE (SELECT count(*) FROM lane_attempts
              WHERE lane_id = lanes.id AND state = 'success' AND cause IS NOT 'rerun') > 1`,
  ).map(({ key, run }) => `lane ${key} of run ${run} succeeded twice`);
  const failed = rows<Ended>(data, `${selectEnded} WHERE attempt.state = 'failed'`);
  const unasked = failed.filter((lane) => !isStruck(scene, lane));
  const reasons = unasked.map(
    ({ id, token, key, run, failure, message }) =>
      `lane ${key} of run ${run} (${id}-${token}) failed unasked: ${failure ?? ''} ${message ?? ''}`,
  );
  return [...incomplete, ...doubled, ...reasons];
}

function isStruck({ struck, threadStrikes, threadsLost }: CiScene, { id, token, failure }: Ended): boolean {
  if (struck.has(`${id}-${token}`)) return true;
  // By hand, or because its thread was ended.
  if (failure === 'operator') return true;
  if (failure !== 'infrastructure') return false;
  threadsLost.add(id);
  return threadsLost.size <= threadStrikes;
}

/** The log of a lane that succeeded has its line once: not lost, and not written by two. */
function examineLogs(scene: CiScene): string[] {
  const { data } = scene.served;
  const ended = rows<Ended>(
    data,
    `${selectEnded} WHERE attempt.state = 'success' AND attempt.id > ${scene.looked} ORDER BY attempt.id`,
  );
  scene.looked = ended.at(-1)?.id ?? scene.looked;
  return ended.flatMap(({ id, token, key, run }) => {
    const path = join(data, 'lanes', String(id), String(token));
    if (!existsSync(join(path, 'log'))) return [`lane ${key} of run ${run} has no log`];
    const text = readFileSync(join(path, 'log'), 'utf8');
    const count = text.split('\n').filter((line) => line === 'lane-ran').length;
    return [
      ...(count === 1 ? [] : [`the log of lane ${key} of run ${run} has its line ${count} times`]),
      ...(existsSync(join(path, 'output')) ? [`the pipe of lane ${key} of run ${run} stayed behind`] : []),
    ];
  });
}

const memory = z.object({
  heapUsed: z.number(),
  external: z.number(),
  rss: z.number(),
  laneThreads: z.number(),
});
export type Inside = z.infer<typeof memory> & { threads: number; files: number };

/** What the forge holds just now. */
export async function askForge(scene: CiScene): Promise<Inside> {
  const told = memory.parse(JSON.parse(await askInside(scene, 'memory')));
  const count = (folder: string) => readdirSync(`/proc/${scene.served.pid}/${folder}`).length;
  return { ...told, threads: count('task'), files: count('fd') };
}
