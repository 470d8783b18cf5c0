// Whatever order pushes, scans and deaths of the forge come in, the rows say in the end what the refs say.
import { readdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { listBranches, listOpenBranches, listRevisions } from '../../src/branches/find.ts';
import { ingestSpool } from '../../src/branches/ingest.ts';
import { scanRepo } from '../../src/branches/scan.ts';
import type { Forge } from '../../src/forge/open.ts';
import { listHeads, listRefs, updateRefs, zeroOid } from '../../src/git/refs.ts';
import type { Repo } from '../../src/repos/model.ts';
import { openTestForge, type TestForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';

const names = ['alpha', 'beta/one'] as const;

/** What can happen; `to` chooses one of the commits that exist, which may be what the branch is at already. */
const step = fc.oneof(
  {
    weight: 7,
    arbitrary: fc.record({
      kind: fc.constant('push' as const),
      name: fc.constantFrom(...names),
      to: fc.nat(4),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('delete' as const), name: fc.constantFrom(...names) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('lose spool' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('ingest' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('scan' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('die' as const), after: fc.nat(8) }) },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

interface World {
  it: TestForge;
  repo: Repo;
  path: string;
  actor: number;
  commits: string[];
  pushes: number;
  /** What every branch was pushed to, in order. */
  pushed: Map<string, string[]>;
  /** Spool files that may not have been read. */
  waiting: string[];
}

/** As git and hooks/post-receive do it: the ref moves, then the spool file is there. */
async function push(world: World, name: string, newOid: string): Promise<void> {
  const { it, path } = world;
  const oldOid = (await listHeads(it.forge.git, path)).get(name) ?? zeroOid;
  if (oldOid === newOid) return;
  await updateRefs(it.forge.git, path, [{ ref: `refs/heads/${name}`, newOid, oldOid }]);
  world.pushes += 1;
  if (newOid !== zeroOid) world.pushed.set(name, [...(world.pushed.get(name) ?? []), newOid]);
  const file = join(it.forge.config.paths.spool, `push-${String(world.pushes).padStart(5, '0')}`);
  const line = `${oldOid} ${newOid} refs/heads/${name}`;
  writeFileSync(file, `repo ${world.repo.id}\nactor ${world.actor}\n${line}\n`);
  utimesSync(file, 1000 + world.pushes, 1000 + world.pushes);
  world.waiting.push(file);
}

/** A forge whose database gives up at its `after`-th write, and answers nothing from then on, as one that is killed there. */
function dying(forge: Forge, after: number): Forge {
  const { db } = forge;
  let writes = 0;
  const live = <Result>(isWrite: boolean, body: () => Result): Result => {
    if (isWrite) writes += 1;
    if (after === 0 || writes > after) throw new Error('killed');
    return body();
  };
  const mortal: Pick<Forge['db'], 'get' | 'all' | 'run' | 'transaction'> = {
    get: (...query) => live(false, () => db.get(...query)),
    all: (...query) => live(false, () => db.all(...query)),
    run: (...query) => live(true, () => db.run(...query)),
    transaction: (body) => live(false, () => db.transaction(body)),
  };
  return { ...forge, db: mortal as Forge['db'] };
}

async function take(world: World, { kind, ...what }: Step): Promise<void> {
  const { it, repo } = world;
  switch (kind) {
    case 'push':
    case 'delete': {
      const { name, to } = what as { name: string; to?: number };
      return push(world, name, to === undefined ? zeroOid : world.commits[to]!);
    }
    case 'lose spool': {
      const file = world.waiting.pop();
      if (file === undefined) return;
      try {
        renameSync(file, `${file}.tmp`);
      } catch {
        // It was read already.
      }
      return;
    }
    case 'ingest':
      return void (await ingestSpool(it.forge));
    case 'scan':
      return scanRepo(it.forge, repo);
    case 'die': {
      const dead = dying(it.forge, (what as { after: number }).after);
      await ingestSpool(dead).catch(() => undefined);
      return scanRepo(dead, repo).catch(() => undefined);
    }
  }
}

async function rowsEqualRefs({ it, repo, path }: World): Promise<void> {
  const heads = await listHeads(it.forge.git, path);
  heads.delete('main');
  const rows = listOpenBranches(it.forge, { repoId: repo.id });
  expect(new Map(rows.map((row) => [row.name, row.headOid]))).toEqual(heads);
  const pins = await listRefs(it.forge.git, path, ['refs/pika/heads/']);
  for (const row of rows) {
    expect(row.brokenReason).toBeUndefined();
    const revisions = listRevisions(it.forge, row.id);
    expect(revisions.map(({ number }) => number)).toEqual(revisions.map((_, place) => place + 1));
    expect(revisions.at(-1)).toMatchObject({ number: row.revision, headOid: row.headOid });
    for (const { number, headOid } of revisions) {
      expect(pins.get(`refs/pika/heads/${row.number}/${number}`)).toBe(headOid);
    }
  }
}

/** Revisions may be missing where only a scan saw a push; but none comes twice, out of turn, or from nowhere. */
function revisionsFollowPushes({ it, repo, pushed }: World): void {
  const branches = listBranches(it.forge, { repoId: repo.id, limit: 1000 }).toSorted(
    (a, b) => a.number - b.number,
  );
  for (const [name, heads] of pushed) {
    const recorded = branches
      .filter((branch) => branch.name === name)
      .flatMap(({ id }) => listRevisions(it.forge, id).map(({ headOid }) => headOid));
    let at = 0;
    for (const head of heads) if (recorded[at] === head) at += 1;
    expect(recorded.slice(at), `${name} was pushed to ${heads.join()}`).toEqual([]);
  }
}

/** A push that waits was made before its branch came back to where it was by one that nobody heard of. */
const broughtBackUnheard: Step[] = [
  ...[4, 1, 0].map((to): Step => ({ kind: 'push', name: 'beta/one', to })),
  { kind: 'scan' },
  { kind: 'push', name: 'beta/one', to: 4 },
  { kind: 'lose spool' },
  { kind: 'scan' },
];

test('after any interleaving of pushes, deletions, lost spools, scans and deaths, rows and pins equal the refs', async () => {
  const it = await openTestForge();
  const actor = it.account('ada').account.id;
  let repos = 0;
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 16 }), async (steps) => {
        repos += 1;
        const repo = await it.repo(`ada/app${repos}`, { files: { a: '1\n' } });
        const path = it.repoFolder(repo);
        const commits: string[] = [];
        for (const content of ['1', '2', '3']) {
          const side = { repo: path, branch: 'side', from: 'refs/heads/main', files: { b: content } };
          commits.push(await pushFiles(it.forge.git, side));
        }
        // On top of the last, and one with a history of its own.
        commits.push(await pushFiles(it.forge.git, { repo: path, branch: 'side', files: { c: '1' } }));
        commits.push(await pushFiles(it.forge.git, { repo: path, branch: 'alone', files: { d: '1' } }));
        await updateRefs(it.forge.git, path, [
          { ref: 'refs/heads/side', newOid: zeroOid },
          { ref: 'refs/heads/alone', newOid: zeroOid },
        ]);
        const world = { it, repo, path, actor, commits, pushes: 0, pushed: new Map(), waiting: [] };
        for (const one of steps) await take(world, one);
        await ingestSpool(it.forge);
        await scanRepo(it.forge, repo);
        await rowsEqualRefs(world);
        revisionsFollowPushes(world);
        expect(
          readdirSync(it.forge.config.paths.spool).filter((file) => file.endsWith('.unreadable')),
        ).toEqual([]);
        const before = listOpenBranches(it.forge, { repoId: repo.id });
        await scanRepo(it.forge, repo, { pins: true });
        expect(listOpenBranches(it.forge, { repoId: repo.id })).toEqual(before);
      }),
      { numRuns: 40, endOnFailure: true, examples: [[broughtBackUnheard]] },
    );
  } finally {
    await it.dispose();
  }
}, 120_000);
