// Writes down what a sync knows of each ref: before it sends, and as the remote answers. Everything is fenced by the hold.
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import type { MirrorRef, MirrorRemote } from './model.ts';
import { movedThere, type PushPlan, type RefPush } from './plan-push.ts';
import type { RefAnswer } from './push-report.ts';
import type { Reach } from './remote/reach-remote.ts';
import { deleteRef, putRef } from './sync-store.ts';
import { stillHolds, type MirrorHold } from './take-remote.ts';

/** Of what was sent for one ref and may still arrive. */
const maxSent = 8;

export interface Sending {
  forge: Forge;
  hold: MirrorHold;
  remote: MirrorRemote;
  reach: Reach;
  /** The bare repository, as an absolute path. */
  repo: string;
  there: ReadonlyMap<string, string>;
  known: ReadonlyMap<string, MirrorRef>;
  signal: AbortSignal;
  /** The default branch: nothing is deleted there before it is in step, for what was merged must be somewhere. */
  mainRef: string;
}

export function notePlan(
  forge: Forge,
  hold: MirrorHold,
  { plan, known }: { plan: PushPlan; known: ReadonlyMap<string, MirrorRef> },
): void {
  const now = forge.clock.now();
  const remoteId = hold.remoteId;
  forge.db.transaction(() => {
    if (!stillHolds(forge, hold)) throw lostHold();
    for (const ref of plan.gone) deleteRef(forge.db, { remoteId, ref });
    for (const { ref, oid } of plan.inStep) {
      const before = known.get(ref);
      if (before?.state === 'in-step' && before.oursOid === oid && before.sent.length === 0) continue;
      putRef(forge.db, remoteId, { ...inStepAt(ref, oid), now });
    }
    for (const { ref, here, there, message } of plan.diverged) {
      const { oursOid, sent = [] } = known.get(ref) ?? {};
      const row = { ref, state: 'diverged' as const, hereOid: here, thereOid: there, oursOid, sent, message };
      putRef(forge.db, remoteId, { ...row, now });
    }
  });
}

const inStepAt = (ref: string, oid: string) => ({
  ref,
  state: 'in-step' as const,
  hereOid: oid,
  thereOid: oid,
  oursOid: oid,
  sent: [],
  message: undefined,
});

const lostHold = (): ForgeError =>
  new ForgeError('conflict', 'Another sync took over, so this one wrote nothing more.');

/** Written before anything leaves: a sync that dies now may have moved them all the same. */
export function noteIntent({ forge, hold, there, known }: Sending, batch: readonly RefPush[]): void {
  const now = forge.clock.now();
  forge.db.transaction(() => {
    if (!stillHolds(forge, hold)) throw lostHold();
    for (const { ref, oid } of batch) {
      const thereOid = there.get(ref);
      const before = known.get(ref);
      const sentBefore = before?.sent ?? [];
      const isOurs =
        thereOid !== undefined && (before?.oursOid === thereOid || sentBefore.includes(thereOid));
      const sent = [...new Set([...sentBefore, ...(oid === undefined ? [] : [oid])])].slice(-maxSent);
      const oursOid = isOurs ? thereOid : before?.oursOid;
      const row = {
        ref,
        state: 'behind' as const,
        hereOid: oid,
        thereOid,
        oursOid,
        sent,
        message: undefined,
      };
      putRef(forge.db, hold.remoteId, { ...row, now });
    }
  });
}

export interface AnsweredPush {
  push: RefPush;
  answer: RefAnswer;
}

export function noteAnswers(
  sending: Sending,
  { answered, words }: { answered: readonly AnsweredPush[]; words: string },
): void {
  const { forge, hold } = sending;
  const now = forge.clock.now();
  forge.db.transaction(() => {
    if (!stillHolds(forge, hold)) throw lostHold();
    for (const one of answered) noteAnswer(sending, { ...one, words, now });
  });
}

function noteAnswer(
  { forge, hold, there, known }: Sending,
  { push, answer, words, now }: { push: RefPush; answer: RefAnswer; words: string; now: number },
): void {
  const { ref, oid } = push;
  const remoteId = hold.remoteId;
  if (answer.outcome === 'taken') {
    if (oid === undefined) deleteRef(forge.db, { remoteId, ref });
    else putRef(forge.db, remoteId, { ...inStepAt(ref, oid), now });
    return;
  }
  const thereOid = there.get(ref);
  const { oursOid, sent = [] } = known.get(ref) ?? {};
  const isDone = answer.outcome === 'refused' || answer.outcome === 'diverged';
  putRef(forge.db, remoteId, {
    ref,
    state: answer.outcome === 'refused' ? 'refused' : answer.outcome === 'diverged' ? 'diverged' : 'behind',
    hereOid: oid,
    thereOid,
    oursOid: push.expected ?? oursOid,
    sent: isDone || oid === undefined ? sent : [...new Set([...sent, oid])].slice(-maxSent),
    message: sentenceOf(answer, words),
    now,
  });
}

function sentenceOf(answer: RefAnswer, words: string): string {
  switch (answer.outcome) {
    case 'refused':
      return words === '' ? answer.reason : `${answer.reason}: ${words}`;
    case 'diverged':
      return movedThere;
    case 'moved':
      return 'somebody moved it there in this moment; it is looked at again';
    case 'unknown':
      return `the remote did not say whether it took it: ${answer.reason}`;
    default:
      return '';
  }
}

/** What was not sent says why. */
export function noteWaiting(
  sending: Sending,
  { left, withheld }: { left: readonly RefPush[]; withheld: readonly string[] },
): void {
  const { forge, hold, there, known } = sending;
  const isWithheld = new Set(withheld);
  if (left.length === 0) return;
  const now = forge.clock.now();
  forge.db.transaction(() => {
    if (!stillHolds(forge, hold)) throw lostHold();
    for (const { ref, oid, expected } of left) {
      const { oursOid, sent = [] } = known.get(ref) ?? {};
      const message = isWithheld.has(ref) ? withheldSentence(sending, oid) : 'it waits for the next sync';
      putRef(forge.db, hold.remoteId, {
        ref,
        state: 'behind',
        hereOid: oid,
        thereOid: there.get(ref),
        oursOid: expected ?? oursOid,
        sent,
        message,
        now,
      });
    }
  });
}

const withheldSentence = ({ mainRef }: Sending, oid: string | undefined): string =>
  oid === undefined
    ? `it is deleted there when ${mainRef} is in step, so that nothing that was merged is missing`
    : `what stands in its way there is deleted when ${mainRef} is in step`;
