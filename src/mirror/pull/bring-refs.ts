// Brings what an upstream has into a repository: asks it, decides (plan-pull.ts), fetches the objects that are missing, and
// moves the refs. It writes no row, so that the operator's import and the pull share it.
import type { Forge } from '../../forge/open.ts';
import { listRefs, updateManyRefs, updateRefs, zeroOid } from '../../git/refs.ts';
import { listMissing } from '../../git/unreadable.ts';
import { requireRoom } from '../../forge/disk.ts';
import { ForgeError, errorMessage } from '../../lib/errors.ts';
import { inHalves } from '../../lib/in-halves.ts';
import { chooseRefs } from '../choose-refs.ts';
import type { Reach } from '../remote/reach-remote.ts';
import { failureOf } from '../remote/remote-failure.ts';
import { runRemote } from '../remote/run-remote.ts';
import { watchIncoming } from './incoming-packs.ts';
import { readProgress, type Progress } from './follow-progress.ts';
import { listRemote, type RemoteRefs } from './list-remote.ts';
import type { PulledRef, PullRule } from './model.ts';
import { decideMove, planPull, type Move, type Planned, type PullState } from './plan-pull.ts';

const listSeconds = 120;
/** Writing more of them one by one takes longer than packing them all. */
const fewRefs = 100;
const isTag = (ref: string): boolean => ref.startsWith('refs/tags/');

export interface Bringing {
  /** The bare repository's folder. */
  path: string;
  patterns: readonly string[];
  rewrites: PullRule;
  deletions: PullRule;
  /** Without refs/heads/. */
  defaultBranch: string;
  known: ReadonlyMap<string, PulledRef>;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Called when all of git's objects are here, before any ref shows them. */
  beforeMoves?: ((coming: Coming) => Promise<void>) | undefined;
}

/** Object ids of the refs that are here, beginning with those that move, and of what comes. */
export interface Coming {
  here: readonly string[];
  coming: readonly string[];
}

export interface Brought {
  created: number;
  moved: number;
  deleted: number;
  /** How each ref stands now, as far as anything was found out. */
  found: PulledRef[];
  /** Refs that are neither here nor there any more. */
  forgotten: string[];
  remote: RemoteRefs;
}

/** Refuses (`unavailable`) when the remote does not give what it has, and (`limited`) when it is too much. */
export async function bringRefs(forge: Forge, reach: Reach, bringing: Bringing): Promise<Brought> {
  requireRoom(forge);
  const { path, patterns, signal } = bringing;
  const remote = await listRemote(forge, reach, { timeoutMs: listSeconds * 1000, signal });
  const isChosen = chooseRefs(patterns);
  const there = new Map([...remote.refs].filter(([ref]) => isChosen(ref)));
  const here = await listRefs(forge.git, path, ['refs/heads/', 'refs/tags/']);
  const { rewrites, deletions, defaultBranch } = bringing;
  // Of what nobody asks for any more it is not known whether it is gone there.
  const [known, unwanted] = parted(bringing.known, isChosen);
  const defaultRef = `refs/heads/${defaultBranch}`;
  const state: PullState = { here, there, known, rewrites, deletions, defaultRef };
  const planned = planPull(state);
  await fetchMissing(forge, reach, { ...bringing, planned });
  const decided: Planned[] = [];
  for (const one of planned) decided.push('ask' in one ? await compare(forge, path, state, one.ask) : one);
  const moves = decided.flatMap((one) => ('move' in one ? [one.move] : []));
  const found = decided.flatMap((one) => ('found' in one ? [one.found] : []));
  await bringing.beforeMoves?.({
    here: [here.get(defaultRef) ?? [], ...moves.map(({ from }) => from ?? []), ...here.values()].flat(),
    coming: moves.flatMap(({ to }) => to ?? []),
  });
  const refused = await moveRefs(forge, path, moves);
  const done = moves.filter((move) => !refused.has(move));
  return {
    created: done.filter(({ from }) => from === undefined).length,
    moved: done.filter(({ from, to }) => from !== undefined && to !== undefined).length,
    deleted: done.filter(({ to }) => to === undefined).length,
    found: [
      ...found.filter(({ thereOid, state: how }) => thereOid !== undefined || how !== 'in-step'),
      ...done.flatMap(({ ref, to }) => (to === undefined ? [] : [inStep(ref, to)])),
      ...[...refused].map(([{ ref, to }, message]) => leftOut(known.get(ref), { ref, to, message })),
    ],
    forgotten: [
      ...found.filter(({ thereOid, state: how }) => thereOid === undefined && how === 'in-step'),
      ...done.filter(({ to }) => to === undefined),
      ...unwanted.values(),
    ].map(({ ref }) => ref),
    remote,
  };
}

function parted(
  refs: ReadonlyMap<string, PulledRef>,
  isIn: (ref: string) => boolean,
): [Map<string, PulledRef>, Map<string, PulledRef>] {
  const all = [...refs];
  return [new Map(all.filter(([ref]) => isIn(ref))), new Map(all.filter(([ref]) => !isIn(ref)))];
}

const inStep = (ref: string, oid: string): PulledRef => ({
  ref,
  broughtOid: oid,
  thereOid: oid,
  state: 'in-step',
  message: undefined,
});

const leftOut = (
  before: PulledRef | undefined,
  { ref, to, message }: { ref: string; to: string | undefined; message: string },
): PulledRef => ({ ref, broughtOid: before?.broughtOid, thereOid: to, state: 'left-out', message });

async function fetchMissing(
  forge: Forge,
  reach: Reach,
  { path, planned, signal, onProgress }: Bringing & { planned: readonly Planned[] },
): Promise<void> {
  const wanted = planned.flatMap((one) => ('move' in one ? [one.move] : 'ask' in one ? [one.ask] : []));
  const needed = [...new Set(wanted.flatMap(({ to }) => to ?? []))];
  if (await isWhole(forge, path, needed)) return;
  const incoming = await watchIncoming(forge, path);
  try {
    const { exitCode, said } = await runRemote(forge, reach, {
      repo: path,
      args: [...fetchArguments, '--', reach.url],
      // By object id: git compares every name with every ref, which for thousands takes minutes.
      input: needed.map((oid) => `${oid}\n`).join(''),
      timeoutMs: forge.config.mirror.pullMinutes * 60_000,
      signal: signal === undefined ? incoming.tooMuch : AbortSignal.any([signal, incoming.tooMuch]),
      onSaid: (line) => {
        const progress = readProgress(line);
        if (progress !== undefined) onProgress?.(progress);
        incoming.look();
      },
    });
    if (exitCode !== 0) throw new ForgeError('unavailable', failureOf(said).sentence);
  } catch (error) {
    await incoming.clear();
    throw error;
  }
  if ((await listMissing(forge.git, path, needed)).size > 0)
    throw new ForgeError('unavailable', 'The remote moved while it was read; it is read again.');
  if (!(await canWalk(forge, path, needed)))
    throw new ForgeError(
      'unavailable',
      'The remote lacks a part of its own history, as a shallow clone does. Fetch the rest there (git fetch --unshallow), or name the repository that it was made from.',
    );
}

/** Whether all is here that these lead to. That they are here themselves does not say so, of what a fetch left that broke off. */
async function isWhole(forge: Forge, path: string, oids: readonly string[]): Promise<boolean> {
  if (oids.length === 0) return true;
  if ((await listMissing(forge.git, path, oids)).size > 0) return false;
  return canWalk(forge, path, oids, ['--objects']);
}

/** Whether every commit is here that these lead to and no ref does, and with `--objects` the files of each too. */
async function canWalk(
  forge: Forge,
  path: string,
  oids: readonly string[],
  more: readonly string[] = [],
): Promise<boolean> {
  const args = ['rev-list', ...more, '--quiet', '--stdin', '--not', '--all'];
  const input = oids.map((oid) => `${oid}\n`).join('');
  return (await forge.git.run(args, { repo: path, input, accept: [128] })).exitCode === 0;
}

const fetchArguments = [
  // Always as a pack, which is there as a whole or not at all: of loose objects the commits are written before their trees.
  '-c',
  'fetch.unpackLimit=1',
  'fetch',
  '--progress',
  '--no-tags',
  '--no-write-fetch-head',
  '--no-auto-maintenance',
  '--no-recurse-submodules',
  '--no-show-forced-updates',
  '--refmap=',
  '--stdin',
];

async function compare(
  forge: Forge,
  path: string,
  state: PullState,
  ask: Move & { brought: string | undefined },
): Promise<Planned> {
  const { ref, from = '', to = '' } = ask;
  // A tag that moves is rewritten, whatever it names.
  const fromIsOlder = !isTag(ref) && (await isOlder(forge, path, from, to));
  const toIsOlder = !isTag(ref) && !fromIsOlder && (await isOlder(forge, path, to, from));
  return decideMove(state, ask, { fromIsOlder, toIsOlder });
}

async function isOlder(forge: Forge, path: string, older: string, newer: string): Promise<boolean> {
  const args = ['merge-base', '--is-ancestor', older, newer];
  return (await forge.git.run(args, { repo: path, accept: [1] })).exitCode === 0;
}

/** Deletions go first, for a new name may be a folder of a deleted one. Answers those that git does not take, and why. */
async function moveRefs(forge: Forge, path: string, moves: readonly Move[]): Promise<Map<Move, string>> {
  const refused = new Map<Move, string>();
  const [deletions, others] = [
    moves.filter(({ to }) => to === undefined),
    moves.filter(({ to }) => to !== undefined),
  ];
  for (const part of [deletions, others]) {
    await inHalves(
      part,
      (some) =>
        (some.length > fewRefs ? updateManyRefs : updateRefs)(
          forge.git,
          path,
          some.map(({ ref, from, to }) => ({ ref, newOid: to ?? zeroOid, oldOid: from ?? zeroOid })),
        ),
      (move, error) => void refused.set(move, reasonOf(error)),
    );
  }
  return refused;
}

const reasonOf = (error: unknown): string =>
  error instanceof ForgeError && error.code === 'conflict'
    ? 'it moved here meanwhile, or another ref stands where it would be'
    : errorMessage(error).slice(0, 300);
