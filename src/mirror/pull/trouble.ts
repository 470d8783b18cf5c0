import type { Forge } from '../../forge/open.ts';
import { getRepo } from '../../repos/find.ts';
import { fullName } from '../../repos/model.ts';
import { listTroubledRows } from './upstream-store.ts';

/** One that has failed so often in a row will not come back by itself. */
const manyFailures = 3;

export interface UpstreamTrouble {
  severity: 'warning';
  what: string;
  todo: string;
  link: string;
}

/** The upstreams that somebody has to look at: `limit` of those that go on failing, or whose refs differ from those here. */
export function upstreamTrouble(forge: Forge, limit: number): UpstreamTrouble[] {
  return listTroubledRows(forge.db, { failures: manyFailures, limit }).map((upstream) => {
    const name = fullName(getRepo(forge, upstream.repoId));
    const isFailing = upstream.failures > 0;
    return {
      severity: 'warning',
      what: isFailing
        ? `The upstream of ${name} could not be pulled ${upstream.failures} times in a row. ${upstream.problem ?? ''}`
        : `Not everything of the upstream of ${name} is here. ${upstream.problem ?? ''}`,
      todo: isFailing
        ? 'See to its address and its credential, then pull it.'
        : 'Look which refs differ, and bring them together here or there.',
      link: `/${name}/settings/upstream`,
    };
  });
}
