// Sends what was decided: all of it at once where the remote takes a push as a whole. What the remote refuses is left out and
// the rest is sent again, so that one branch that it does not want holds up no other.
import { join } from 'node:path';
import { ForgeError } from '../lib/errors.ts';
import { canBeLaidOut, layOutPush } from './laid-out-push.ts';
import { noteAnswers, noteIntent, noteWaiting, type AnsweredPush, type Sending } from './note-refs.ts';
import { orderPushes, type PushTurn } from './order-pushes.ts';
import type { RefPush } from './plan-push.ts';
import { lacksAtomic, readPushReport, remoteWords, type RefAnswer } from './push-report.ts';
import { failureOf } from './remote/remote-failure.ts';
import { updateAtomic } from './remote-store.ts';
import { runRemote, type RemoteResult } from './remote/run-remote.ts';

/** Pushes of one sync. Each leaves something out that was refused; what is left then waits for the next sync. */
const maxPushes = 30;

export interface Sent {
  pushed: number;
  deleted: number;
  refused: number;
  diverged: number;
  /** Was not sent, or nobody knows whether it arrived. */
  waiting: number;
  /** Is to be deleted there, or waits for that, when the default branch is in step. */
  withheld: number;
}

export async function sendPushes(
  sending: Sending,
  { pushes, isMainOdd }: { pushes: readonly RefPush[]; isMainOdd: boolean },
): Promise<Sent> {
  const state: SendState = {
    answers: new Map(),
    isAtomic: sending.remote.isAtomic ?? true,
    isMainOdd,
    maxRefs: Infinity,
  };
  const ordered = orderPushes(pushes, sending);
  let waiting = ordered;
  for (let count = 0; count < maxPushes; count += 1) {
    waiting = waiting.filter(({ push }) => !state.answers.has(push.ref));
    if (state.isMainOdd) waiting = waiting.filter(({ needsDeletion }) => !needsDeletion);
    const batch = takeBatch(sending, waiting, state.maxRefs);
    if (batch.pushes.length === 0) break;
    await sendBatch(sending, state, batch);
  }
  const left = ordered.filter(({ push }) => !state.answers.has(push.ref));
  const withheld = left.filter(({ needsDeletion }) => needsDeletion && state.isMainOdd);
  noteWaiting(sending, {
    left: left.map(({ push }) => push),
    withheld: withheld.map(({ push }) => push.ref),
  });
  const sums = countAnswers(pushes, state);
  return { ...sums, waiting: sums.waiting - withheld.length, withheld: withheld.length };
}

interface SendState {
  /** What became of each ref; one that is not in it waits. */
  answers: Map<string, RefAnswer>;
  isAtomic: boolean;
  isMainOdd: boolean;
  /** Of the next push: half as many after one that failed and named no ref, until those at fault stand alone. */
  maxRefs: number;
}

interface Batch {
  pushes: readonly RefPush[];
  isLaidOut: boolean;
}

/** All that can be laid out when they are very many, else as many as the command line takes. */
function takeBatch({ forge, there }: Sending, ordered: readonly PushTurn[], maxRefs: number): Batch {
  const { maxCommandBytes, maxListedRefs } = forge.config.mirror;
  const ofTurn = ordered.filter(({ turn }) => turn === ordered[0]?.turn).map(({ push }) => push);
  const waiting = ofTurn.slice(0, maxRefs);
  const many = waiting.filter((push) => canBeLaidOut(push, there.get(push.ref)));
  if (many.length > maxListedRefs) return { pushes: many, isLaidOut: true };
  let bytes = 0;
  const fits = waiting.findIndex((push) => {
    bytes += argumentsOf(push).reduce((sum, text) => sum + Buffer.byteLength(text) + 9, 0);
    return bytes > maxCommandBytes;
  });
  return { pushes: waiting.slice(0, fits < 0 ? waiting.length : Math.max(fits, 1)), isLaidOut: false };
}

const leasesOf = ({ ref, expected }: RefPush): string[] =>
  expected === undefined ? [] : [`--force-with-lease=${ref}:${expected}`];
/** Without a lease git itself lets through only what loses nothing: a new ref, or one that goes forward. */
const refspecOf = ({ ref, oid }: RefPush): string => `${oid ?? ''}:${ref}`;
const argumentsOf = (push: RefPush): string[] => [...leasesOf(push), refspecOf(push)];

async function sendBatch(sending: Sending, state: SendState, batch: Batch): Promise<void> {
  const { forge, remote, reach } = sending;
  noteIntent(sending, batch.pushes);
  const { exitCode, stdout, said, moved } = await runPush(sending, state, batch);
  if (state.isAtomic && lacksAtomic(said)) {
    state.isAtomic = false;
    updateAtomic(forge.db, { id: remote.id, isAtomic: false });
    return;
  }
  const answers = [...moved, ...readPushReport(stdout.toString('utf8'), (text) => reach.redact(text))];
  if (answers.length === 0 && exitCode !== 0) throw new ForgeError('unavailable', failureOf(said).sentence);
  if (state.isAtomic && remote.isAtomic !== true) updateAtomic(forge.db, { id: remote.id, isAtomic: true });
  takeAnswers(sending, state, { batch: batch.pushes, answers, words: remoteWords(said) });
}

/** Some refs stand on the command line, very many are laid out in a folder. */
async function runPush(
  { forge, reach, repo, signal }: Sending,
  { isAtomic }: SendState,
  { pushes, isLaidOut }: Batch,
): Promise<RemoteResult & { moved: RefAnswer[] }> {
  const { timeoutSeconds, maxListBytes } = forge.config.mirror;
  const below = join(forge.config.paths.gitHome, 'remotes');
  const searchPath = forge.git.environment['PATH'] ?? '';
  const place = { repo, url: reach.url, below, searchPath };
  const laidOut = isLaidOut ? await layOutPush(pushes, place) : undefined;
  const listed = ['--no-verify', ...pushes.flatMap(leasesOf), '--', reach.url, ...pushes.map(refspecOf)];
  const options = ['--porcelain', '--no-follow-tags', '--no-recurse-submodules'];
  const push = ['push', ...options, ...(isAtomic ? ['--atomic'] : [])];
  try {
    const result = await runRemote(forge, reach, {
      repo: laidOut?.repo ?? repo,
      args: [...(laidOut?.settings ?? []), ...push, ...(laidOut?.args ?? listed)],
      environment: laidOut?.environment ?? {},
      timeoutMs: timeoutSeconds * 1000,
      maxBytes: maxListBytes,
      signal,
    });
    const moved = (await laidOut?.moved()) ?? [];
    return { ...result, moved: moved.map((ref) => ({ ref, outcome: 'moved' })) };
  } finally {
    await laidOut?.close();
  }
}

interface Report {
  batch: readonly RefPush[];
  answers: readonly RefAnswer[];
  words: string;
}

function takeAnswers(sending: Sending, state: SendState, report: Report): void {
  const { batch, words } = report;
  const byRef = new Map(report.answers.map((answer) => [answer.ref, answer]));
  const isAlone = batch.length === 1;
  const answered = batch.flatMap((push) => {
    const answer = byRef.get(push.ref);
    if (answer === undefined) return [];
    if (answer.outcome !== 'held-back') return [{ push, answer }];
    return isAlone ? [{ push, answer: { ...answer, outcome: 'refused' as const, reason: notTaken } }] : [];
  });
  if (!isAlone && namesNobody(answered, batch.length)) {
    state.maxRefs = Math.ceil(batch.length / 2);
    return;
  }
  if (answered.length === 0)
    throw new ForgeError('unavailable', wordsFor('The remote said nothing of a push', words));
  state.maxRefs *= 2;
  noteAnswers(sending, { answered, words });
  for (const { push, answer } of answered) {
    state.answers.set(push.ref, answer);
    if (push.ref === sending.mainRef && answer.outcome !== 'taken') state.isMainOdd = true;
  }
}

const notTaken = 'the remote did not take it';

/** Nothing was wrong with any of them, or a hook judged the push as a whole and did not say which ref it dislikes. */
const namesNobody = (answered: readonly AnsweredPush[], refs: number): boolean =>
  answered.length === 0 ||
  (answered.length === refs &&
    answered.every(({ answer }) => answer.outcome === 'refused' && answer.reason.includes('hook declined')));

const wordsFor = (sentence: string, words: string): string =>
  words === '' ? `${sentence}.` : `${sentence}. It said: ${words}`;

function countAnswers(pushes: readonly RefPush[], { answers }: SendState): Sent {
  const sums: Sent = { pushed: 0, deleted: 0, refused: 0, diverged: 0, waiting: 0, withheld: 0 };
  for (const { ref, oid } of pushes) {
    const outcome = answers.get(ref)?.outcome;
    if (outcome === 'taken') sums[oid === undefined ? 'deleted' : 'pushed'] += 1;
    else if (outcome === 'refused' || outcome === 'diverged') sums[outcome] += 1;
    else sums.waiting += 1;
  }
  return sums;
}
