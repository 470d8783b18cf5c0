// The mirrors that somebody has to look at.
import type { Forge } from '../forge/open.ts';
import { getRepo } from '../repos/find.ts';
import { fullName } from '../repos/model.ts';
import { watchMirrors, type MirrorTrouble } from './find.ts';
import type { RemoteState } from './model.ts';

/** One that has failed so often in a row will not come back by itself. */
const manyFailures = 3;

interface Words {
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
export function mirrorTrouble(forge: Forge, limit: number): Words[] {
  return watchMirrors(forge)
    .filter(({ remote, state }) => state !== 'failing' || remote.failures >= manyFailures)
    .flatMap((trouble) => {
      const todo = todos[trouble.state];
      return todo === undefined ? [] : [{ ...sayOf(forge, trouble), todo }];
    })
    .slice(0, limit);
}

function sayOf(forge: Forge, { remote, state, refs }: MirrorTrouble): Omit<Words, 'todo'> {
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
