// Looks over one repository: what git needs, leftovers, sound objects, and refs that agree with the rows.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { listBranches } from '../branches/find.ts';
import { comparePins } from '../branches/mend-pins.ts';
import { scanRepo } from '../branches/scan.ts';
import { inTurn } from '../branches/turn.ts';
import type { Forge } from '../forge/open.ts';
import { readHead } from '../git/bare-repo.ts';
import { isBareRepo, listForeignSettings, restoreBareRepo } from '../git/bare-state.ts';
import { dropIndexes, hasSwept, restoreSwept } from '../git/housekeeping.ts';
import { runLong } from '../git/long-run.ts';
import { listHeads } from '../git/refs.ts';
import { listStaleFiles, removeStaleFiles } from '../git/stale-files.ts';
import { besideHousekeeping, keepRepo, staleLimits } from '../repos/housekeeping.ts';
import { lastHousekeeping } from '../repos/housekeeping-record.ts';
import { fullName, type Repo } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';
import { protectionOf } from '../repos/protected.ts';
import type { Part, Problem } from './findings.ts';

const maxLines = 10;
const maxBranches = 1_000_000;
/** Between a ref that a push moved and its row; after that a difference is one. */
const settleMs = 500;

export function repoPart(forge: Forge, repo: Repo, options: { quick: boolean }): Part {
  const path = repoPath(forge, repo.id);
  return {
    fine: `${fullName(repo)}: objects sound, refs and rows agree`,
    look: async () => {
      const problems = await lookAt(forge, repo, options);
      return problems.map((problem) => ({ ...problem, what: `${fullName(repo)}: ${problem.what}` }));
    },
    mends: {
      skeleton: () => restoreBareRepo(forge.git, path, repo.defaultBranch),
      leftovers: async () => removeStaleFiles(path, await listStaleFiles(path, staleLimits(forge))),
      swept: () => restoreSwept(path),
      indexes: async () => {
        await dropIndexes(path);
        await keepRepo(forge, repo, { everything: true });
      },
      rows: () => scanRepo(forge, repo, { pins: true }),
    },
  };
}

async function lookAt(forge: Forge, repo: Repo, { quick }: { quick: boolean }): Promise<Problem[]> {
  const path = repoPath(forge, repo.id);
  if (!existsSync(path)) {
    return [{ level: 'error', what: 'its bare repository is gone', advice: 'Restore it from a backup.' }];
  }
  if (!(await isBareRepo(forge.git, path))) {
    return [{ level: 'error', what: 'git takes its folder for no repository', mend: 'skeleton' }];
  }
  const problems = [
    ...(await lookAtSettings(forge, path)),
    ...(await lookAtLeftovers(forge, path)),
    ...(await besideHousekeeping(forge, () => lookAtObjects(forge, path, quick))),
    ...(await lookAtRows(forge, repo)),
  ];
  const kept = lastHousekeeping(forge, repo.id);
  if (kept?.state !== 'failed') return problems;
  const what = `the last housekeeping failed: ${kept.error ?? 'it gave no reason'}`;
  const advice = `Once that is put right: pika-git housekeeping ${fullName(repo)}`;
  return [...problems, { level: 'warning', what, advice }];
}

async function lookAtSettings(forge: Forge, path: string): Promise<Problem[]> {
  const foreign = await listForeignSettings(forge.git, path);
  if (foreign === undefined) {
    return [{ level: 'error', what: 'git cannot read its configuration', mend: 'skeleton' }];
  }
  const problems = foreign.map((setting): Problem => {
    const what = `its own configuration sets ${setting.slice(0, 200)}, which wins over the forge's`;
    // The objects or refs may lie in the form that an extension names, and could not be read without it.
    return setting.startsWith('extensions.')
      ? { level: 'error', what, advice: 'The forge does not know that form; restore it from a backup.' }
      : { level: 'error', what, mend: 'skeleton' };
  });
  // Without the extension that a mend would take away, nothing is safe to mend.
  const hasExtension = foreign.some((setting) => setting.startsWith('extensions.'));
  if (hasExtension) for (const problem of problems) delete problem.mend;
  for (const file of ['objects/info/alternates', 'info/grafts', 'shallow']) {
    if (!existsSync(join(path, file))) continue;
    const what = `${file} makes it depend on something outside of it`;
    problems.push({ level: 'warning', what, advice: 'The forge writes no such file; find out who did.' });
  }
  return problems;
}

async function lookAtLeftovers(forge: Forge, path: string): Promise<Problem[]> {
  const stale = await listStaleFiles(path, staleLimits(forge));
  return stale.slice(0, maxLines).map(({ path: file, kind, ageMs }) => ({
    level: 'warning',
    what: `a killed git left ${file} (${kind}, ${Math.round(ageMs / 60_000)} min old)`,
    mend: 'leftovers',
  }));
}

/** What git-fsck(1) says with the bits of its exit code. */
const fsckBits = { objects: 1, missing: 2, packs: 4, refs: 8, commitGraph: 16, multiPackIndex: 32 };
const everyExitCode = Array.from({ length: 127 }, (_, index) => index + 1);
// Old histories have these, and a push may bring them.
const harmless = ['badTimezone', 'missingSpaceBeforeDate', 'zeroPaddedFilemode'];

async function lookAtObjects(forge: Forge, path: string, quick: boolean): Promise<Problem[]> {
  const { exitCode, said } = await runLong(
    forge.git,
    ['fsck', '--no-dangling', '--no-progress', quick ? '--connectivity-only' : '--full'],
    {
      repo: path,
      timeoutMs: forge.config.housekeeping.stepMinutes * 60_000,
      accept: everyExitCode,
      settings: Object.fromEntries(harmless.map((name) => [`fsck.${name}`, 'ignore'])),
    },
  );
  if (exitCode === 0) return [];
  const lines = [...new Set(said.replaceAll(`${path}/`, '').trim().split('\n'))].slice(0, maxLines);
  const { commitGraph, multiPackIndex } = fsckBits;
  if ((exitCode & ~(commitGraph | multiPackIndex)) === 0) {
    return [{ level: 'warning', what: `an index is damaged: ${lines.join('; ')}`, mend: 'indexes' }];
  }
  const what = `git fsck: ${lines.join('; ')}`;
  if (await hasSwept(path)) return [{ level: 'error', what, mend: 'swept' }];
  const advice =
    'Objects cannot be made up again: push them from a clone that has them, or restore a backup.';
  return [{ level: 'error', what, advice }];
}

/** Twice if there are any: a push moves its ref first, and is in the rows a moment later. */
async function lookAtRows(forge: Forge, repo: Repo): Promise<Problem[]> {
  const first = await inTurn(forge, repo.id, () => compareRows(forge, repo));
  if (first.length === 0) return first;
  await pause(settleMs);
  const second = await inTurn(forge, repo.id, () => compareRows(forge, repo));
  return second.filter(({ what }) => first.some((problem) => problem.what === what));
}

async function compareRows(forge: Forge, repo: Repo): Promise<Problem[]> {
  const path = repoPath(forge, repo.id);
  const problems: Problem[] = [];
  const differs = (what: string): void => void problems.push({ level: 'warning', what, mend: 'rows' });
  const heads = await listHeads(forge.git, path);
  const head = await readHead(path);
  if (heads.size > 0 && (head === undefined || !heads.has(head))) {
    differs(`HEAD names ${head ?? 'no branch'}, which is not there, so some clients cannot clone`);
  }
  const protection = protectionOf(forge, repo);
  const open = new Set<string>();
  for (const branch of listBranches(forge, { repoId: repo.id, state: 'open', limit: maxBranches })) {
    const { number, name, headOid, brokenReason } = branch;
    open.add(name);
    if (brokenReason !== undefined) {
      const advice = 'Push the branch again from a clone that has it.';
      problems.push({ level: 'warning', what: `#${number} ${name} is broken: ${brokenReason}`, advice });
    } else if (heads.get(name) !== headOid) differs(`#${number} ${name}: its ref and its row differ`);
  }
  for (const name of heads.keys()) {
    if (!open.has(name) && protection(name) === undefined) differs(`the branch ${name} has no row`);
  }
  const { lost, dead, missing } = await comparePins(forge, repo);
  for (const { ref } of lost.slice(0, maxLines)) differs(`a pushed head has no pin ${ref}`);
  for (const { ref } of dead.slice(0, maxLines)) differs(`the pin ${ref} points at nothing`);
  for (const oid of missing.slice(0, maxLines)) {
    const advice = 'Push it from a clone that has it, or restore a backup.';
    problems.push({ level: 'error', what: `the pushed head ${oid} is gone`, advice });
  }
  return problems;
}
