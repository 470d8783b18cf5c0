// Decides of every ref what a pull does with it, from what stands here, what stands there, and what was brought before. Nobody
// loses what was made here: only what is still where the upstream put it is moved or deleted.
import { refNameProblem } from '../../repos/model.ts';
import type { PulledRef, PullRule } from './model.ts';

export interface PullState {
  /** The refs that are chosen, of this repository and of the upstream: full name → object id. */
  here: ReadonlyMap<string, string>;
  there: ReadonlyMap<string, string>;
  known: ReadonlyMap<string, PulledRef>;
  rewrites: PullRule;
  deletions: PullRule;
  /** refs/heads/NAME of the default branch, which is never deleted. */
  defaultRef: string;
}

export interface Move {
  ref: string;
  /** Undefined where there is nothing yet. */
  from: string | undefined;
  /** Undefined deletes. */
  to: string | undefined;
}

/** `ask` needs the history: whether the one comes down to the other. */
export type Planned = { move: Move } | { ask: Move & { brought: string | undefined } } | { found: PulledRef };

/** One answer for each ref of the upstream and for each that was brought from it before. */
export function planPull(state: PullState): Planned[] {
  const { there, known } = state;
  const names = new Set<string>();
  const planned: Planned[] = [];
  for (const [ref, oid] of there) {
    const problem = nameProblem(ref, names);
    if (problem !== undefined) planned.push(left('left-out', { ref, oid, message: problem }));
    else planned.push(planRef(state, ref, oid));
  }
  for (const [ref, before] of known) {
    if (!there.has(ref)) planned.push(planGone(state, ref, before));
  }
  return planned;
}

/** The rules of pushes; the second of two names that differ by case alone is left out, too. */
function nameProblem(ref: string, names: Set<string>): string | undefined {
  const problem = refNameProblem(ref.replace(/^refs\/[a-z]+\//, ''));
  if (problem !== undefined) return `this forge has no ref of this name: ${problem}`;
  const folded = ref.toLowerCase();
  if (names.has(folded)) return 'another ref is called the same but for the case of its letters';
  names.add(folded);
  return undefined;
}

function planRef({ here, known }: PullState, ref: string, to: string): Planned {
  const from = here.get(ref);
  const before = known.get(ref);
  const brought = before?.broughtOid;
  if (from === to)
    return {
      found: { ref, broughtOid: to, thereOid: to, state: 'in-step', message: undefined },
    };
  if (from === undefined) {
    if (brought === undefined) return { move: { ref, from, to } };
    return left('kept', { ref, oid: to, brought, message: 'it was deleted here' });
  }
  return { ask: { ref, from, to, brought } };
}

function planGone({ here, deletions, defaultRef }: PullState, ref: string, before: PulledRef): Planned {
  const from = here.get(ref);
  const gone = { ref, oid: undefined, brought: before.broughtOid };
  if (from === undefined)
    return {
      found: { ref, broughtOid: undefined, thereOid: undefined, state: 'in-step', message: undefined },
    };
  if (from !== before.broughtOid)
    return left('diverged', { ...gone, message: 'it was deleted there and changed here' });
  if (ref === defaultRef)
    return left('kept', { ...gone, message: 'it was deleted there and is the default branch here' });
  if (deletions === 'keep') return left('kept', { ...gone, message: 'it was deleted there' });
  return { move: { ref, from, to: undefined } };
}

/** What becomes of a ref whose two ends were compared. */
export function decideMove(
  { rewrites }: Pick<PullState, 'rewrites'>,
  ask: Move & { brought: string | undefined },
  history: { fromIsOlder: boolean; toIsOlder: boolean },
): Planned {
  const { ref, from, to, brought } = ask;
  if (history.fromIsOlder) return { move: { ref, from, to } };
  if (from === brought) {
    if (rewrites === 'follow') return { move: { ref, from, to } };
    return left('kept', { ref, oid: to, brought, message: 'it was rewritten there' });
  }
  if (history.toIsOlder) return left('ahead', { ref, oid: to, brought: to, message: 'there is more here' });
  return left('diverged', { ref, oid: to, brought, message: 'it was changed on both sides' });
}

const left = (
  state: PulledRef['state'],
  {
    ref,
    oid,
    brought,
    message,
  }: { ref: string; oid: string | undefined; brought?: string | undefined; message: string },
): Planned => ({ found: { ref, broughtOid: brought, thereOid: oid, state, message } });
