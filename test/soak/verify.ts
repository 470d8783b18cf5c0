// What must be true after every restart: git is sound, refs and rows say the same, every open head has its run,
// merges are whole or absent, no lane is lost or doubled, and nothing of the forge that was killed lives on.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { runProgram } from '../support/run-program.ts';
import { onlyRepo } from './moments.ts';
import { processesOf } from './victims.ts';
import type { Scene } from './work.ts';

const patienceMs = 20_000;
const lanesPerRun = 2;

export interface Check {
  faults: string[];
  /** How many pushes and merges of the round were answered ok. */
  answered: number;
}

/** `before` are the processes of the forge that was killed. */
export async function verify(scene: Scene, before: readonly number[]): Promise<Check> {
  const { data } = scene.served;
  const repo = onlyRepo(data);
  // What recovery takes a moment for is asked until it is so; who asks last is told what is still wrong.
  const late = await settled(async () => [
    ...listLeft(data, before),
    ...listLocks(repo),
    ...compareRows(data, await readRefs(repo)),
  ]);
  const refs = await readRefs(repo);
  const { faults, answered } = scene.ledger.settle(without(refs, 'main'));
  return {
    faults: [
      ...late,
      ...faults,
      ...(await examineObjects(repo)),
      ...(await compareMerges(data, repo)),
      ...examineLanes(data),
      ...(await askDoctor(scene)),
    ],
    answered,
  };
}

/** Waits until every lane has ended, and looks at all of them. */
export async function verifyEnd({ served }: Scene): Promise<string[]> {
  return [
    ...(await settled(async () =>
      rows<{ key: string; state: string }>(
        served.data,
        `SELECT key, state FROM lane_attempts JOIN lanes ON lanes.id = lane_id
         WHERE state IN ('queued', 'running', 'cancelling')`,
      ).map(({ key, state }) => `a lane ${key} is still ${state}`),
    )),
    ...rows<{ key: string; state: string; message: string | null }>(
      served.data,
      `SELECT key, state, message FROM lane_attempts AS attempt JOIN lanes ON lanes.id = lane_id
       WHERE state NOT IN ('success', 'cancelled')
         AND number = (SELECT max(number) FROM lane_attempts WHERE lane_id = attempt.lane_id)`,
    ).map(({ key, state, message }) => `a lane ${key} ended as ${state}: ${message ?? ''}`),
  ];
}

export async function settled(look: () => Promise<string[]>, patience = patienceMs): Promise<string[]> {
  const deadline = Date.now() + patience;
  for (;;) {
    const faults = await look();
    if (faults.length === 0 || Date.now() > deadline) return faults;
    await delay(100);
  }
}

function listLeft(data: string, before: readonly number[]): string[] {
  const alive = new Set(processesOf(data));
  return before.filter((pid) => alive.has(pid)).map((pid) => `process ${pid} of the old forge lives on`);
}

const listLocks = (repo: string): string[] =>
  readdirSync(repo, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.lock'))
    .map((name) => `${name} stayed locked`);

export async function readRefs(repo: string): Promise<Map<string, string>> {
  const text = await git(repo, 'for-each-ref', '--format=%(refname:lstrip=2) %(objectname)', 'refs/heads');
  const lines = text.split('\n').filter((line) => line !== '');
  return new Map(lines.map((line) => line.split(' ') as [string, string]));
}

function without(refs: ReadonlyMap<string, string>, name: string): Map<string, string> {
  const others = new Map(refs);
  others.delete(name);
  return others;
}

/** Each branch is open at its ref and has exactly one run there; each open row has its ref. */
export function compareRows(data: string, refs: ReadonlyMap<string, string>): string[] {
  const open = rows<{ name: string; head: string; runs: number; broken: string | null }>(
    data,
    `SELECT name, head_oid AS head, broken_reason AS broken, (SELECT count(*) FROM runs
       WHERE branch_id = branches.id AND revision = branches.revision AND kind = 'branch') AS runs
     FROM branches WHERE state = 'open'`,
  );
  const faults = open.flatMap(({ name, head, runs, broken }) => [
    ...(refs.get(name) === head ? [] : [`${name}: row ${head}, ref ${refs.get(name) ?? 'none'}`]),
    ...(runs === 1 ? [] : [`${name} has ${runs} runs at its head`]),
    ...(broken === null ? [] : [`${name} is broken: ${broken}`]),
  ]);
  const known = new Set(open.map(({ name }) => name));
  const unknown = [...refs.keys()].filter((name) => name !== 'main' && !known.has(name));
  return [...faults, ...unknown.map((name) => `${name} has a ref and no open row`)];
}

/** A merge commit is on main exactly when a row says so, and once. */
async function compareMerges(data: string, repo: string): Promise<string[]> {
  const merges = (await git(repo, 'rev-list', '--merges', 'refs/heads/main'))
    .split('\n')
    .filter(Boolean)
    .sort();
  const merged = rows<{ oid: string | null }>(
    data,
    "SELECT merge_oid AS oid FROM branches WHERE state = 'merged'",
  )
    .map(({ oid }) => oid ?? 'none')
    .sort();
  return merges.join() === merged.join()
    ? []
    : [`main has the merges ${merges.join(' ')}, the rows have ${merged.join(' ')}`];
}

function examineLanes(data: string): string[] {
  const lost = rows<{ number: number; lanes: number }>(
    data,
    `SELECT number, (SELECT count(*) FROM lanes WHERE run_id = runs.id) AS lanes FROM runs
     WHERE lanes <> ${lanesPerRun}`,
  ).map(({ number, lanes }) => `run ${number} has ${lanes} lanes`);
  const doubled = rows<{ key: string; number: number }>(
    data,
    `SELECT lanes.key, runs.number FROM lanes JOIN runs ON runs.id = run_id
     WHERE (SELECT count(*) FROM lane_attempts WHERE lane_id = lanes.id AND state = 'success') > 1`,
  ).map(({ key, number }) => `lane ${key} of run ${number} succeeded twice`);
  return [...lost, ...doubled, ...examineLogs(data)];
}

/** The log of a lane that succeeded has its line once: not lost, and not written by two. */
function examineLogs(data: string): string[] {
  const attempts = rows<{ id: number; token: number; key: string; run: number }>(
    data,
    `SELECT attempt.id, token, key, runs.number AS run FROM lane_attempts AS attempt
     JOIN lanes ON lanes.id = lane_id JOIN runs ON runs.id = run_id
     WHERE attempt.state = 'success' ORDER BY attempt.id DESC LIMIT 30`,
  );
  return attempts.flatMap(({ id, token, key, run }) => {
    const text = readFileSync(join(data, 'lanes', String(id), String(token), 'log'), 'utf8');
    const count = text.split('\n').filter((line) => line === 'lane-ran').length;
    return count === 1 ? [] : [`the log of lane ${key} of run ${run} has its line ${count} times`];
  });
}

const looks = 3;

/** Looked at again when something is wrong: the housekeeping of the forge may take packs away under a git that reads. */
export async function examineObjects(repo: string): Promise<string[]> {
  const argv = ['git', 'fsck', '--full', '--no-dangling', '--no-progress'];
  let said = '';
  for (let look = 0; look < looks; look += 1) {
    const { status, stdout, stderr } = await runProgram(argv, { cwd: repo, env: gitEnvironment });
    if (status === 0 && !/error|missing|broken/.test(stderr)) return [];
    said = `git fsck: ${stdout}${stderr}`;
  }
  return [said];
}

export async function askDoctor({ served }: Scene): Promise<string[]> {
  const { stdout, stderr } = await served.operate('doctor', '--json');
  try {
    const { findings } = JSON.parse(stdout) as { findings: { level: string; what: string }[] };
    return findings.filter(({ level }) => level !== 'ok').map(({ what }) => `doctor: ${what}`);
  } catch {
    return [`doctor did not answer: ${stdout}${stderr}`];
  }
}

const gitEnvironment = {
  PATH: process.env['PATH'] ?? '',
  HOME: '/',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
};

async function git(repo: string, ...args: string[]): Promise<string> {
  const argv = ['git', '-c', 'safe.directory=*', ...args];
  const { status, stdout, stderr } = await runProgram(argv, { cwd: repo, env: gitEnvironment });
  if (status !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`);
  return stdout;
}

export function rows<Row>(data: string, sql: string): Row[] {
  const database = new DatabaseSync(join(data, 'forge.db'), { readOnly: true });
  try {
    return database.prepare(sql).all() as Row[];
  } finally {
    database.close();
  }
}
