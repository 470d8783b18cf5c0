// Decides, ref by ref, what a sync does; it asks nobody and writes nothing. The rule: what the forge has put there itself may
// be replaced, what somebody else has put there is never lost.
import type { MirrorRef } from './model.ts';

/** One ref of a push. `expected` is what must stand there for it to be replaced; undefined: only what loses nothing. */
export interface RefPush {
  ref: string;
  /** Undefined deletes the ref. */
  oid: string | undefined;
  expected: string | undefined;
}

export interface PushPlan {
  /** Already stand there as they stand here. */
  inStep: { ref: string; oid: string }[];
  pushes: RefPush[];
  diverged: { ref: string; here: string | undefined; there: string | undefined; message: string }[];
  /** The remote did not take them, and neither side has changed since. */
  stillRefused: MirrorRef[];
  /** Nothing of them is left on either side, or nobody wants them mirrored any more. */
  gone: string[];
}

export interface PlanQuestion {
  here: ReadonlyMap<string, string>;
  there: ReadonlyMap<string, string>;
  known: ReadonlyMap<string, MirrorRef>;
  isChosen: (ref: string) => boolean;
  /** Whether what was refused is tried once more although nothing changed: it brings the same answer, mostly. */
  triesRefused: boolean;
}

export function planPush(question: PlanQuestion): PushPlan {
  const plan: PushPlan = { inStep: [], pushes: [], diverged: [], stillRefused: [], gone: [] };
  for (const [ref, oid] of question.here) {
    if (question.isChosen(ref)) planPresent(plan, question, { ref, oid });
  }
  for (const known of question.known.values()) {
    if (!question.isChosen(known.ref)) plan.gone.push(known.ref);
    else if (!question.here.has(known.ref)) planDeleted(plan, question, known);
  }
  return plan;
}

function planPresent(
  plan: PushPlan,
  question: PlanQuestion,
  { ref, oid }: { ref: string; oid: string },
): void {
  const there = question.there.get(ref);
  const known = question.known.get(ref);
  const isOld = known !== undefined && known.hereOid === oid && known.thereOid === there;
  if (there === oid) plan.inStep.push({ ref, oid });
  else if (isOld && known.state === 'refused' && !question.triesRefused) plan.stillRefused.push(known);
  else if (there !== undefined && isOurs(known, there)) plan.pushes.push({ ref, oid, expected: there });
  else if (isOld && known.state === 'diverged') {
    plan.diverged.push({ ref, here: oid, there, message: known.message ?? movedThere });
  } else plan.pushes.push({ ref, oid, expected: undefined });
}

/** A ref that nobody moved there but the forge goes when it went here; another one is somebody's work. */
function planDeleted(plan: PushPlan, question: PlanQuestion, known: MirrorRef): void {
  const { ref } = known;
  const there = question.there.get(ref);
  const wasOurs = known.oursOid !== undefined || known.sent.length > 0;
  const isOld = known.hereOid === undefined && known.thereOid === there;
  if (there === undefined || !wasOurs) plan.gone.push(ref);
  else if (isOld && known.state === 'refused' && !question.triesRefused) plan.stillRefused.push(known);
  else if (isOurs(known, there)) plan.pushes.push({ ref, oid: undefined, expected: there });
  else plan.diverged.push({ ref, here: undefined, there, message: 'deleted here, and moved there' });
}

export const movedThere = 'somebody moved it there, to something that is not part of what is here';

const isOurs = (known: MirrorRef | undefined, there: string): boolean =>
  known !== undefined && (known.oursOid === there || known.sent.includes(there));
