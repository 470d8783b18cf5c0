// The mirrors and the upstreams that somebody has to look at.
import type { Forge } from '../forge/open.ts';
import { getRepo } from '../repos/find.ts';
import { fullName } from '../repos/model.ts';
import { watchMirrors, type MirrorTrouble } from './find.ts';
import type { RemoteState } from './model.ts';
import { listTroubledRows } from './pull/upstream-store.ts';

/** One that has failed so often in a row will not come back by itself. */
const manyFailures = 3;

export interface Trouble {
  what: string;
  todo: string;
  link: string;
}

const todos: Partial<Record<RemoteState, string>> = {
  failing: 'See to its address and its credential, then sync it. It is tried again by itself, too.',
  refused:
    'Read what the remote says to each of the refs, and allow them there or leave them out by a pattern.',
  diverged:
    'Look who moves these refs at the remote. Replace what is there, or bring it here; nothing is overwritten by itself.',
};

/** At most `limit` mirrors that go on failing, are refused, or differ from what is here. */
export function mirrorTrouble(forge: Forge, limit: number): Trouble[] {
  return watchMirrors(forge)
    .filter(({ remote, state }) => state !== 'failing' || remote.failures >= manyFailures)
    .flatMap((trouble) => {
      const todo = todos[trouble.state];
      return todo === undefined ? [] : [{ ...sayOf(forge, trouble), todo }];
    })
    .slice(0, limit);
}

function sayOf(forge: Forge, { remote, state, refs }: MirrorTrouble): Omit<Trouble, 'todo'> {
  const name = fullName(getRepo(forge, remote.repoId));
  const link = `/${name}/mirrors/${remote.name}`;
  const mirror = `The mirror ${remote.name} of ${name}`;
  if (state === 'failing') {
    return {
      link,
      what: `${mirror} failed ${remote.failures} times in a row. ${remote.problem ?? ''}`.trim(),
    };
  }
  const count = refs === 1 ? 'one ref' : `${refs} refs`;
  return { link, what: `${mirror} ${state === 'refused' ? 'refuses' : 'differs in'} ${count}.` };
}

/** At most `limit` upstreams that go on failing, or whose refs differ from those here. */
export function upstreamTrouble(forge: Forge, limit: number): Trouble[] {
  return listTroubledRows(forge.db, { failures: manyFailures, limit }).map(
    ({ repoId, failures, problem = '' }) => {
      const name = fullName(getRepo(forge, repoId));
      const link = `/${name}/settings/upstream`;
      if (failures > 0) {
        const what = `The upstream of ${name} could not be pulled ${failures} times in a row. ${problem}`;
        return { link, what: what.trim(), todo: 'See to its address and its credential, then pull it.' };
      }
      return {
        link,
        what: `Not everything of the upstream of ${name} is here. ${problem}`.trim(),
        todo: 'Look which refs differ, and bring them together here or there.',
      };
    },
  );
}
