// Following an upstream: a bare repository of somebody else, which pulls bring here without taking anything from anybody.
import { randomBytes } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recentAudit } from '../../src/accounts/audit.ts';
import { resolveRef, updateRefs, listRefs, zeroOid } from '../../src/git/refs.ts';
import { ForgeError } from '../../src/lib/errors.ts';
import { Slots } from '../../src/lib/slot.ts';
import { upstreamRequest, type PulledRef, type Upstream } from '../../src/mirror/pull/model.ts';
import { openPulls, type Pulls } from '../../src/mirror/pull/open-pulls.ts';
import { planPull } from '../../src/mirror/pull/plan-pull.ts';
import { listPulledRefs, listPullRows } from '../../src/mirror/pull/pull-store.ts';
import { readProgress } from '../../src/mirror/pull/follow-progress.ts';
import {
  askPull,
  cancelPull,
  changeUpstream,
  getUpstream,
  removeUpstream,
  setUpstream,
} from '../../src/mirror/pull/set-upstream.ts';
import { upstreamViewOf } from '../../src/mirror/pull/view.ts';
import { takeUpstream } from '../../src/mirror/pull/pull-upstream.ts';
import { listDueUpstreams } from '../../src/mirror/pull/upstream-store.ts';
import type { Repo } from '../../src/repos/model.ts';
import { startBackend } from '../support/foreign-http.ts';
import { openTestForge, type TestForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';

let forged: TestForge;
let slots: Slots;
let pulls: Pulls;
let count = 0;

beforeAll(async () => {
  const mirror = { allowedSchemes: ['https', 'ssh', 'http', 'file'], allowedRanges: ['127.0.0.0/8'] };
  forged = await openTestForge({ settings: { mirror } });
  slots = new Slots();
  pulls = openPulls(forged.forge, slots);
  pulls.start();
  forged.defer(() => pulls.stop());
});
afterAll(() => forged.dispose());

interface Stage {
  repo: Repo;
  here: string;
  there: string;
  caller: ReturnType<TestForge['account']>['caller'];
}

/** A repository here without anything, and one elsewhere whose branches have one commit each. */
async function stage(branches: Record<string, Record<string, string>>): Promise<Stage> {
  count += 1;
  const { git } = forged.forge;
  const { caller } = forged.account(`ada${count}`);
  const repo = await forged.repo(`ada${count}/x`);
  const there = join(forged.folder, `there-${count}.git`);
  await git.run(['init', '--quiet', '--bare', '--initial-branch=trunk', there]);
  for (const [branch, files] of Object.entries(branches))
    await pushFiles(git, { repo: there, branch, files });
  return { repo, here: forged.repoFolder(repo), there, caller };
}

const set = (at: Stage, wanted: object = {}): Upstream =>
  setUpstream(forged.forge, pulls, { ...at, request: upstreamRequest.parse({ url: at.there, ...wanted }) });

async function pull(at: Stage): Promise<Upstream> {
  askPull(forged.forge, pulls, at);
  await pulls.settled();
  return getUpstream(forged.forge, at.repo);
}

const refs = (path: string) => listRefs(forged.forge.git, path, ['refs/heads/', 'refs/tags/']);
const stateOf = (at: Stage, ref: string) => listPulledRefs(forged.forge.db, at.repo.id).get(ref);

describe('what the upstream has comes here', () => {
  test('branches and tags, and the default branch that it has', async () => {
    const at = await stage({ trunk: { a: '1\n' }, 'work/x': { b: '2\n' } });
    const { git, events } = forged.forge;
    await git.run(['tag', '-m', 'one', 'v1', 'refs/heads/trunk'], { repo: at.there });
    await updateRefs(git, at.there, [
      { ref: 'refs/pull/1/head', newOid: (await resolveRef(git, at.there, 'refs/heads/trunk')) ?? '' },
    ]);
    const pulled = events.next('refs-pulled', ({ repoId }) => repoId === at.repo.id);
    set(at);
    await pulled;
    await pulls.settled();
    const here = await refs(at.here);
    expect([...here.keys()].sort()).toEqual(['refs/heads/trunk', 'refs/heads/work/x', 'refs/tags/v1']);
    expect(here).toEqual(await refs(at.there));
    expect(await resolveRef(git, at.here, 'refs/pull/1/head')).toBeUndefined();
    expect(await git.text(['symbolic-ref', 'HEAD'], { repo: at.here })).toBe('refs/heads/trunk');
    expect(getUpstream(forged.forge, at.repo)).toMatchObject({ failures: 0, problem: undefined, done: 1 });
    expect(listPullRows(forged.forge.db, { repoId: at.repo.id, limit: 5 })).toMatchObject([
      { state: 'done', created: 3, moved: 0 },
    ]);
  });

  test('what is pushed there follows, what is rewritten there too, and a pull without news leaves no line', async () => {
    const at = await stage({ trunk: { a: '1\n' } });
    set(at);
    await pulls.settled();
    await pushFiles(forged.forge.git, { repo: at.there, branch: 'trunk', files: { a: '2\n' } });
    await pull(at);
    expect(await refs(at.here)).toEqual(await refs(at.there));
    await rewrite(at, 'trunk');
    await pull(at);
    await pull(at);
    expect(await refs(at.here)).toEqual(await refs(at.there));
    expect(listPullRows(forged.forge.db, { repoId: at.repo.id, limit: 9 }).map(({ moved }) => moved)).toEqual(
      [1, 1, 0],
    );
  });

  test('a repository without a commit is one, too', async () => {
    const at = await stage({});
    set(at);
    await pulls.settled();
    expect(getUpstream(forged.forge, at.repo)).toMatchObject({ failures: 0, problem: undefined });
  });

  test('but nothing of a clone that is shallow, which is told so', async () => {
    const at = await stage({ trunk: { a: '1\n' } });
    const files = { a: '2\n' };
    const tip = await pushFiles(forged.forge.git, { repo: at.there, branch: 'trunk', files });
    writeFileSync(join(at.there, 'shallow'), `${tip}\n`);
    set(at);
    await pulls.settled();
    expect(getUpstream(forged.forge, at.repo).problem).toContain('as a shallow clone does');
    expect(await refs(at.here)).toEqual(new Map());
  });
});

describe('a fetch that breaks off', () => {
  test('leaves nothing of its pack behind', async () => {
    let isBreaking = true;
    const breaking = await startBackend({
      below: forged.folder,
      instead: (request, response) => {
        if (request.method === 'POST' && isBreaking) cutOff(response, 200_000);
        return false;
      },
    });
    const at = await stage({});
    const url = await breaking.repo('x.git');
    const there = join(breaking.folder, 'x.git');
    const files = { a: randomBytes(500_000).toString('latin1') };
    await pushFiles(forged.forge.git, { repo: there, branch: 'main', files });
    const packs = () => readdirSync(join(at.here, 'objects/pack'));
    const before = packs();
    set(at, { url });
    await pulls.settled();
    expect(getUpstream(forged.forge, at.repo)).toMatchObject({ failures: 1 });
    expect(packs()).toEqual(before);
    isBreaking = false;
    expect(await pull(at)).toMatchObject({ failures: 0, problem: undefined });
    expect(await refs(at.here)).toEqual(await refs(there));
    await breaking.stop();
  });

  test('and leaves a commit without its files is not taken for having brought it', async () => {
    const at = await stage({ trunk: { a: '1\n' } });
    const { git } = forged.forge;
    const input = await git.text(['cat-file', 'commit', 'trunk'], { repo: at.there });
    await git.run(['hash-object', '-t', 'commit', '-w', '--stdin'], { repo: at.here, input: `${input}\n` });
    expect(await git.text(['count-objects'], { repo: at.here })).toContain('1 objects');
    set(at);
    await pulls.settled();
    expect(await refs(at.here)).toEqual(await refs(at.there));
    expect(await git.text(['show', 'trunk:a'], { repo: at.here })).toBe('1');
    // What comes is there as a whole or not at all, however little it is.
    expect(await git.text(['count-objects'], { repo: at.here })).toContain('1 objects');
  });
});

describe('what was made here stays', () => {
  test('a branch that nobody asks for any more stays, and is not said to be gone there', async () => {
    const at = await stage({ trunk: { a: '1\n' }, old: { b: '1\n' } });
    set(at, { deletions: 'follow' });
    await pulls.settled();
    const before = await refs(at.here);
    changeUpstream(forged.forge, pulls, { ...at, change: { patterns: ['refs/heads/trunk'] } });
    await pulls.settled();
    expect(await refs(at.here)).toEqual(before);
    expect(stateOf(at, 'refs/heads/old')).toBeUndefined();
  });

  test('a branch that was changed on both sides is left as it is and told, until they are one again', async () => {
    const at = await stage({ trunk: { a: '1\n' }, mine: { b: '1\n' } });
    set(at);
    await pulls.settled();
    const { git } = forged.forge;
    const mine = await pushFiles(git, { repo: at.here, branch: 'mine', files: { c: 'here\n' } });
    await pull(at);
    expect(stateOf(at, 'refs/heads/mine')).toMatchObject({ state: 'ahead' });
    await pushFiles(git, { repo: at.there, branch: 'mine', files: { c: 'there\n' } });
    const upstream = await pull(at);
    expect(upstream.problem).toContain('One ref is not where the upstream has it');
    expect(stateOf(at, 'refs/heads/mine')).toMatchObject({ state: 'diverged' });
    expect(await resolveRef(git, at.here, 'refs/heads/mine')).toBe(mine);
    const theirs = (await resolveRef(git, at.there, 'refs/heads/mine')) ?? '';
    await updateRefs(git, at.here, [{ ref: 'refs/heads/mine', newOid: theirs }]);
    expect((await pull(at)).problem).toBeUndefined();
  });

  test('rules say whether rewriting and deleting there is followed; the default branch is never deleted', async () => {
    const at = await stage({ trunk: { a: '1\n' }, old: { b: '1\n' }, kept: { b: '2\n' } });
    const { git } = forged.forge;
    set(at, { rewrites: 'keep', deletions: 'keep' });
    await pulls.settled();
    const before = await refs(at.here);
    await rewrite(at, 'kept');
    await updateRefs(git, at.there, [
      { ref: 'refs/heads/old', newOid: zeroOid },
      { ref: 'refs/heads/trunk', newOid: zeroOid },
    ]);
    expect((await pull(at)).problem).toBeUndefined();
    expect(await refs(at.here)).toEqual(before);
    expect(stateOf(at, 'refs/heads/kept')).toMatchObject({
      state: 'kept',
      message: 'it was rewritten there',
    });
    changeUpstream(forged.forge, pulls, { ...at, change: { rewrites: 'follow', deletions: 'follow' } });
    await pulls.settled();
    expect([...(await refs(at.here)).keys()]).toEqual(['refs/heads/kept', 'refs/heads/trunk']);
    expect(await resolveRef(git, at.here, 'refs/heads/kept')).toBe(
      await resolveRef(git, at.there, 'refs/heads/kept'),
    );
    expect(stateOf(at, 'refs/heads/trunk')?.message).toContain('default branch');
  });

  test('names that the forge has no refs of are left out, and so is what a ref here stands in the way of', async () => {
    const at = await stage({ trunk: { a: '1\n' }, Topic: { a: '2\n' }, 'in/way': { a: '3\n' } });
    const { git } = forged.forge;
    const oid = (await resolveRef(git, at.there, 'refs/heads/trunk')) ?? '';
    await updateRefs(git, at.there, [
      { ref: 'refs/heads/$(id)', newOid: oid },
      { ref: 'refs/heads/topic', newOid: oid },
    ]);
    await pushFiles(git, { repo: at.here, branch: 'in', files: { a: 'here\n' } });
    set(at);
    await pulls.settled();
    const left = [...listPulledRefs(forged.forge.db, at.repo.id).values()].filter(
      ({ state }) => state !== 'in-step',
    );
    expect(left.map(({ ref, state }) => [ref, state])).toEqual([
      ['refs/heads/$(id)', 'left-out'],
      ['refs/heads/in/way', 'left-out'],
      ['refs/heads/topic', 'left-out'],
    ]);
    expect(await resolveRef(git, at.here, 'refs/heads/trunk')).toBe(oid);
  });

  test('whatever stands here and there, a plan moves nothing that was changed here and asks before it moves at all', () => {
    const oid = fc.constantFrom('1', '2', '3').map((digit) => digit.repeat(40));
    const ref = fc.constantFrom('refs/heads/a', 'refs/heads/b', 'refs/tags/a');
    const side = fc.dictionary(ref, oid).map((all) => new Map(Object.entries(all)));
    const rule = fc.constantFrom('follow' as const, 'keep' as const);
    fc.assert(
      fc.property(side, side, side, rule, rule, (here, there, brought, rewrites, deletions) => {
        const known = new Map(
          [...brought].map(([name, broughtOid]): [string, PulledRef] => [
            name,
            { ref: name, broughtOid, thereOid: broughtOid, state: 'in-step', message: undefined },
          ]),
        );
        const plan = planPull({ here, there, known, rewrites, deletions, defaultRef: 'refs/heads/a' });
        expect(plan).toHaveLength(new Set([...there.keys(), ...known.keys()]).size);
        for (const one of plan) {
          if (!('move' in one)) continue;
          const { ref: name, from, to } = one.move;
          expect(from).toBe(here.get(name));
          if (to === undefined) {
            expect([from, deletions, name === 'refs/heads/a']).toEqual([brought.get(name), 'follow', false]);
          } else expect(from).toBeUndefined();
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('one pull at a time', () => {
  test('a second one is refused, and so are changes, while somebody has the slot; a cancelled one rests until it is asked for', async () => {
    const { promise: asked, resolve: isAsked } = Promise.withResolvers<void>();
    const hanging = await startBackend({
      instead: () => {
        isAsked();
        return true;
      },
    });
    const at = await stage({});
    const url = `http://127.0.0.1:${hanging.port}/x.git`;
    set(at, { url, credential: { kind: 'token', token: 'tok-12345' } });
    await asked;
    expect(takeUpstream(forged.forge, slots, at.repo.id)).toBeUndefined();
    for (const verb of [askPull, removeUpstream]) {
      expect(() => verb(forged.forge, pulls, at)).toThrow('is being pulled at this moment');
    }
    cancelPull(forged.forge, pulls, at);
    await pulls.settled();
    await hanging.stop();
    const upstream = getUpstream(forged.forge, at.repo);
    expect(upstream).toMatchObject({
      problem: undefined,
      leaseUntil: undefined,
    });
    expect(upstream.done).toBe(upstream.wanted);
    expect(upstreamViewOf(forged.forge, pulls, upstream)).toMatchObject({
      state: 'cancelled',
      pulls: [{ state: 'cancelled', message: expect.stringMatching(/^ada\d+ cancelled it\.$/) }],
    });
    expect(() => cancelPull(forged.forge, pulls, at)).toThrow(ForgeError);
    const told = JSON.stringify([
      upstream,
      recentAudit(forged.forge, 20),
      listPullRows(forged.forge.db, { repoId: at.repo.id, limit: 9 }),
    ]);
    expect(told).not.toContain('tok-12345');
  });

  test('a failing one rests longer each time and says why; what a dead forge held is free at the next start', async () => {
    const at = await stage({});
    set(at, { url: join(forged.folder, 'nothing.git') });
    await pulls.settled();
    const first = getUpstream(forged.forge, at.repo);
    expect(first).toMatchObject({ failures: 1, problem: expect.stringContaining('no repository') });
    const second = await pull(at);
    expect(second.failures).toBe(2);
    expect(second.wanted).toBeGreaterThan(second.done);
    // Others that are due go first, whenever they were pulled.
    set(await stage({}));
    await pulls.settled();
    const due = listDueUpstreams(forged.forge.db, { now: Date.now() + 60 * 60_000, limit: 100 });
    expect(due.at(-1)).toEqual({ repoId: at.repo.id, failures: 2 });
    const left = takeUpstream(forged.forge, new Slots(), at.repo.id);
    expect(left).toBeDefined();
    expect(takeUpstream(forged.forge, new Slots(), at.repo.id)).toBeUndefined();
    openPulls(forged.forge, slots);
    expect(getUpstream(forged.forge, at.repo)).toMatchObject({ leaseUntil: undefined });
    const [lost] = listPullRows(forged.forge.db, { repoId: at.repo.id, limit: 1 });
    expect(lost).toMatchObject({ state: 'interrupted', message: 'the forge ended in the middle of it' });
    removeUpstream(forged.forge, pulls, at);
    expect(() => getUpstream(forged.forge, at.repo)).toThrow('has no upstream');
  });
});

describe('what cannot be an upstream', () => {
  test.each([
    [{ url: 'ext::sh' }, 'The address of the remote is refused'],
    [
      { url: 'https://example.org/x.git', credential: { kind: 'key' } },
      'A deploy key is for addresses of SSH',
    ],
    [
      { url: 'git@example.org:x.git', credential: { kind: 'token', token: 't' } },
      'A token is for addresses of HTTPS',
    ],
  ])('%j', async (wanted, sentence) => {
    const at = await stage({});
    expect(() => set(at, wanted)).toThrow(sentence);
  });
});

test('what git says of its progress is read', () => {
  expect(readProgress('Receiving objects:  45% (450/1000), 1.20 MiB | 500.00 KiB/s')).toEqual({
    phase: 'receiving',
    percent: 45,
  });
  expect(readProgress('remote: Enumerating objects: 12, done.')).toMatchObject({ percent: undefined });
  expect(readProgress('fatal: no')).toBeUndefined();
});

/** Breaks off an answer that becomes too long. */
function cutOff(response: ServerResponse, bytes: number): void {
  const write = response.write.bind(response) as (chunk: Buffer) => boolean;
  let written = 0;
  response.write = ((chunk: Buffer) => {
    written += chunk.length;
    if (written > bytes) response.destroy();
    return write(chunk);
  }) as typeof response.write;
}

async function rewrite(at: Stage, branch: string): Promise<void> {
  const { git } = forged.forge;
  const tree = await git.text(['rev-parse', `refs/heads/${branch}^{tree}`], { repo: at.there });
  const newOid = await git.text(['commit-tree', '-m', `another ${branch}`, tree], { repo: at.there });
  await updateRefs(git, at.there, [{ ref: `refs/heads/${branch}`, newOid }]);
}
