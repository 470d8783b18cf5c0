// The order in which a sync sends. Git has no ref below the name of another, and a remote that takes a push as a whole takes
// none that makes `a/b` where `a` stands, not even one that deletes `a` besides: so what stands in the way goes first, in a
// push of its own, and what waits for that comes last, where it holds up nobody.
import type { RefPush } from './plan-push.ts';

export interface PushTurn {
  push: RefPush;
  /** Pushes of one turn may go together; each turn is sent when those before it are. */
  turn: number;
  /** Can come only when something is deleted there, or is a deletion itself. */
  needsDeletion: boolean;
}

export interface TurnQuestion {
  there: ReadonlyMap<string, string>;
  mainRef: string;
}

/** In each turn the default branch first, deletions last: where a remote takes them one by one, nothing is missing in between. */
export function orderPushes(pushes: readonly RefPush[], { there, mainRef }: TurnQuestion): PushTurn[] {
  const created = pushes.filter(({ ref, oid }) => oid !== undefined && !there.has(ref));
  const clashing = clashesIn(there.keys());
  const inWayOf = new Map(created.map(({ ref }) => [ref, clashing(ref)]));
  const inWay = new Set([...inWayOf.values()].flat());
  const deleted = new Set(pushes.flatMap(({ ref, oid }) => (oid === undefined ? [ref] : [])));
  const rank = ({ ref, oid }: RefPush): number => (ref === mainRef ? 0 : oid === undefined ? 2 : 1);
  return pushes
    .map((push) => {
      const clashes = inWayOf.get(push.ref) ?? [];
      const turn = push.oid === undefined && inWay.has(push.ref) ? 1 : clashes.length > 0 ? 2 : 0;
      const needsDeletion = push.oid === undefined || clashes.some((ref) => deleted.has(ref));
      return { push, turn, needsDeletion };
    })
    .toSorted((a, b) => a.turn - b.turn || rank(a.push) - rank(b.push));
}

/** Answers, for a name, those of `refs` that git cannot have beside it. */
function clashesIn(refs: Iterable<string>): (ref: string) => string[] {
  const names = new Set(refs);
  const below = new Map<string, string[]>();
  for (const name of names) {
    for (const folder of foldersOf(name)) {
      const list = below.get(folder);
      if (list === undefined) below.set(folder, [name]);
      else list.push(name);
    }
  }
  return (ref) => [...foldersOf(ref).filter((folder) => names.has(folder)), ...(below.get(ref) ?? [])];
}

/** `refs/heads/a` and `refs/heads/a/b` of `refs/heads/a/b/c`. */
function foldersOf(ref: string): string[] {
  const parts = ref.split('/');
  return parts.slice(3).map((_part, index) => parts.slice(0, index + 3).join('/'));
}
