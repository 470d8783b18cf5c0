// Reads that may cost git seconds: few at once, a bounded queue behind them, and each answer kept for the next
// reader. An answer is asked for by object ids, so it never changes.
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';

export interface CostlyRead<Answer> {
  repoId: number;
  /** Names the answer among those of its repository: a kind, then every value that it follows from. */
  key: string;
  read: () => Promise<Answer>;
  /** Of an answer that is to be kept, about how many bytes it takes; undefined: the next reader asks git again. */
  sizeOf: (answer: Answer) => number | undefined;
}

interface Kept {
  answer: Promise<unknown>;
  /** 0 until it is read. */
  bytes: number;
}

interface Waiting {
  repoId: number;
  start: () => void;
}

interface Desk {
  /** How many are read now, by repository. */
  active: Map<number, number>;
  waiting: Waiting[];
  kept: Map<string, Kept>;
}

// All kept answers of a forge together.
const maxKeptBytes = 32 * 1024 * 1024;
const desks = new WeakMap<Forge, Desk>();

/** The kept answer, or that of `read` when it is its turn; refuses (`unavailable`) when too many wait already. */
export function readOnce<Answer>(forge: Forge, wanted: CostlyRead<Answer>): Promise<Answer> {
  const { kept } = deskOf(forge);
  const key = `${wanted.repoId} ${wanted.key}`;
  const known = kept.get(key);
  if (known !== undefined) {
    // Back to the young end of the map; the old end is dropped first.
    kept.delete(key);
    kept.set(key, known);
    return known.answer as Promise<Answer>;
  }
  const answer = inTurn(forge, wanted.repoId, wanted.read);
  const entry: Kept = { answer, bytes: 0 };
  kept.set(key, entry);
  answer.then(
    (read) => keep(kept, { key, entry, bytes: wanted.sizeOf(read) }),
    () => kept.delete(key),
  );
  return answer;
}

function keep(kept: Map<string, Kept>, done: { key: string; entry: Kept; bytes: number | undefined }): void {
  if (kept.get(done.key) !== done.entry) return;
  if (done.bytes === undefined) kept.delete(done.key);
  else done.entry.bytes = done.bytes;
  let total = [...kept.values()].reduce((sum, entry) => sum + entry.bytes, 0);
  for (const [key, entry] of kept) {
    if (total <= maxKeptBytes) return;
    kept.delete(key);
    total -= entry.bytes;
  }
}

/**
 * Runs `read` as one of the few at a time; one repository never takes all the turns.
 * Refuses (`unavailable`) when the queue is full, or the turn does not come in time.
 */
export async function inTurn<Answer>(
  forge: Forge,
  repoId: number,
  read: () => Promise<Answer>,
): Promise<Answer> {
  await takeTurn(forge, repoId);
  try {
    return await read();
  } finally {
    endTurn(forge, repoId);
  }
}

function takeTurn(forge: Forge, repoId: number): Promise<void> {
  const desk = deskOf(forge);
  const { maxWaitingReads, readSeconds } = forge.config.limits;
  if (hasTurn(forge, repoId)) {
    addActive(desk, repoId, 1);
    return Promise.resolve();
  }
  if (desk.waiting.length >= maxWaitingReads) return Promise.reject(tooBusy());
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const waiting: Waiting = {
    repoId,
    start: () => {
      clearTimeout(timer);
      addActive(desk, repoId, 1);
      resolve();
    },
  };
  const timer = setTimeout(() => {
    desk.waiting = desk.waiting.filter((other) => other !== waiting);
    reject(tooBusy());
  }, readSeconds * 1000);
  desk.waiting.push(waiting);
  return promise;
}

function endTurn(forge: Forge, repoId: number): void {
  const desk = deskOf(forge);
  addActive(desk, repoId, -1);
  // In the order of their coming, past those whose repository has its share.
  const next = desk.waiting.find((waiting) => hasTurn(forge, waiting.repoId));
  if (next === undefined) return;
  desk.waiting = desk.waiting.filter((other) => other !== next);
  next.start();
}

function hasTurn(forge: Forge, repoId: number): boolean {
  const { active } = deskOf(forge);
  const { maxCostlyReads } = forge.config.limits;
  const all = [...active.values()].reduce((sum, count) => sum + count, 0);
  return all < maxCostlyReads && (active.get(repoId) ?? 0) < Math.max(1, maxCostlyReads - 1);
}

function addActive({ active }: Desk, repoId: number, change: 1 | -1): void {
  const count = (active.get(repoId) ?? 0) + change;
  if (count === 0) active.delete(repoId);
  else active.set(repoId, count);
}

function deskOf(forge: Forge): Desk {
  const known = desks.get(forge);
  if (known !== undefined) return known;
  const desk: Desk = { active: new Map(), waiting: [], kept: new Map() };
  desks.set(forge, desk);
  return desk;
}

const tooBusy = (): ForgeError =>
  new ForgeError(
    'unavailable',
    'Too many long histories are being read at this moment; load the page again in a few seconds.',
  );
