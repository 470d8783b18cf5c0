// Two points of a history beside each other: what the second has that the first has not.
import type { Forge } from '../forge/open.ts';
import { readLog, type LogPage } from '../git/log.ts';
import { damageOr } from '../git/read-up-to.ts';
import { GitError } from '../git/run.ts';
import { ForgeError } from '../lib/errors.ts';
import { fullName, type Repo } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';
import { readOnce } from './costly-read.ts';
import { placeAt, type Place } from './place.ts';

/** Two dots: from one to the other. Three: from where both parted. */
export type Dots = '..' | '...';

export interface Points {
  base: Place;
  head: Place;
  dots: Dots;
}

export interface Comparison extends Points {
  /** The newest commit that both contain; undefined when their histories share nothing. */
  mergeBase: string | undefined;
  /** From where the difference is counted. */
  from: string;
  /** The commits of the head that the base does not contain. */
  log: LogPage;
}

/** Splits `<a>...<b>` or `<a>..<b>`, percent-encoded; no name of git has two dots in a row. */
export function parseSpec(address: string): { base: string; dots: Dots; head: string } | undefined {
  const match = /^(.*?)(\.\.\.?)(.*)$/s.exec(address);
  if (match === null) return undefined;
  const [, base = '', dots, head = ''] = match;
  return { base, dots: dots === '..' ? '..' : '...', head };
}

const maxCommits = 250;

/** What two addresses name; an empty one is the default branch. Refuses (`not_found`) what does not exist. */
export async function findPoints(
  forge: Forge,
  repo: Repo,
  spec: { base: string; dots: Dots; head: string },
): Promise<Points> {
  const base = await pointOf(forge, repo, spec.base);
  const head = await pointOf(forge, repo, spec.head);
  return { base, head, dots: spec.dots };
}

export async function comparePoints(forge: Forge, points: Points): Promise<Comparison> {
  const { repo } = points.base;
  const [base, head] = [points.base.commit, points.head.commit];
  const [shared, log] = await Promise.all([
    sharedBy(forge, repo, { base, head }),
    aheadOf(forge, repo, { base, head }),
  ]);
  return { ...points, mergeBase: shared, from: points.dots === '...' ? (shared ?? base) : base, log };
}

async function pointOf(forge: Forge, repo: Repo, address: string): Promise<Place> {
  const place = await placeAt(forge, repo, address);
  if (place === undefined) {
    throw new ForgeError('not_found', `${fullName(repo)} has no commit on its default branch yet.`);
  }
  if (place.path !== '') {
    const name = `${place.ref.shown}/…`;
    throw new ForgeError(
      'not_found',
      `${fullName(repo)} has no branch, tag or commit ${name}; choose one below it.`,
    );
  }
  return place;
}

const aheadOf = (forge: Forge, repo: Repo, ends: { base: string; head: string }): Promise<LogPage> =>
  readOnce(forge, {
    repoId: repo.id,
    key: `commits ${ends.base} ${ends.head}`,
    read: () =>
      readLog(forge.git, {
        repo: repoPath(forge, repo.id),
        head: ends.head,
        base: ends.base,
        skip: 0,
        limit: maxCommits,
        maxMs: forge.config.limits.readSeconds * 1000,
      }),
    sizeOf: (page) => (page.timedOut ? undefined : 1000 * (1 + page.commits.length)),
  });

async function sharedBy(
  forge: Forge,
  repo: Repo,
  ends: { base: string; head: string },
): Promise<string | undefined> {
  const options = {
    repo: repoPath(forge, repo.id),
    accept: [1],
    timeoutMs: forge.config.limits.readSeconds * 1000,
  };
  return readOnce(forge, {
    repoId: repo.id,
    key: `base ${ends.base} ${ends.head}`,
    read: async () => {
      try {
        const { stdout, exitCode } = await forge.git.run(['merge-base', ends.base, ends.head], options);
        return exitCode === 0 ? stdout.toString('latin1').trim() : undefined;
      } catch (error) {
        throw error instanceof GitError ? damageOr(error) : error;
      }
    },
    sizeOf: () => 200,
  });
}
