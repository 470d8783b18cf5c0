// The duty of this room: every inbox says what needs its owner, at once when something happens and at the latest by a look at
// everything.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { Loop } from '../lib/loop.ts';
import { lookAtBranch, oldestWanted } from './look.ts';
import { markOfPeople } from './signs-store.ts';
import { deleteItemsBefore, listBranchIdsToLookAt } from './store.ts';

const pollMs = 60_000;
const fullMs = 6 * 60 * 60_000;
/** A look at everything lets others have their turn after so many branches. */
const atOnce = 20;

export interface Inbox {
  loop: Loop;
  start(): void;
  stop(): Promise<void>;
  /** Something happened with the branch. */
  look(branchId: number | undefined): void;
}

export function openInbox(forge: Forge): Inbox {
  const wanted = new Set<number>();
  const stopping = new AbortController();
  let fullAt = -Infinity;
  let people = '';
  const runOnce = async (): Promise<void> => {
    const now = forge.clock.now();
    const mark = markOfPeople(forge.db);
    const isFull = now - fullAt >= fullMs || mark !== people;
    if (isFull) {
      deleteItemsBefore(forge.db, oldestWanted(forge));
      for (const id of listBranchIdsToLookAt(forge.db, oldestWanted(forge))) wanted.add(id);
      fullAt = now;
      people = mark;
    }
    for (let ids = take(wanted); ids.length > 0 && !stopping.signal.aborted; ids = take(wanted)) {
      const changed = new Set(ids.flatMap((id) => lookSafely(forge, id)));
      if (changed.size > 0) forge.events.emit('inbox-changed', { accountIds: [...changed] });
      await nextTurn();
    }
  };
  const loop = new Loop({ name: 'inbox', pollMs, log: forge.log, now: () => forge.clock.now(), runOnce });
  return {
    loop,
    start: () => loop.start(),
    stop: () => {
      stopping.abort();
      return loop.stop();
    },
    look: (branchId) => {
      if (branchId === undefined) return;
      wanted.add(branchId);
      loop.wake();
    },
  };
}

function take(wanted: Set<number>): number[] {
  const ids = [...wanted].slice(0, atOnce);
  for (const id of ids) wanted.delete(id);
  return ids;
}

/** A branch that is gone by now needs nobody, and one that cannot be looked at keeps no other from it. */
function lookSafely(forge: Forge, branchId: number): number[] {
  try {
    return lookAtBranch(forge, branchId);
  } catch (error) {
    if (error instanceof ForgeError && error.code === 'not_found') return [];
    forge.log.error({ err: error, branchId }, 'the inboxes could not be told of a branch');
    return [];
  }
}
