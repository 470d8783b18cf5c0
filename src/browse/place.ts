// What a page of files or history is about: the repository, the commit and the path that its address names. Addresses
// are `/o/r/<verb>/<ref>/<path…>`. The ref is the longest name that exists, branches before tags; `refs/heads/x` and
// `refs/tags/x` are meant as they are spelled, and a whole object id is a commit. Paths are read byte by byte.
import type { Request, Response } from 'express';
import type { Forge } from '../forge/open.ts';
import {
  decodePath,
  encodePath,
  pathOfText,
  rootPath,
  showPath,
  textOfPath,
  type GitPath,
} from '../git/git-path.ts';
import { readHeads } from '../git/object-reader.ts';
import { resolveRef } from '../git/refs.ts';
import { ForgeError } from '../lib/errors.ts';
import { repoOf } from '../repos/guard.ts';
import { fullName, type Repo } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';

export interface Exchange {
  request: Request;
  response: Response;
}

export interface PlaceRef {
  kind: 'branch' | 'tag' | 'commit';
  /** Without refs/heads/ or refs/tags/; the object id of a commit. */
  name: string;
  /** For people: the name, or the first digits of the object id. */
  shown: string;
  /** As the address spells it, percent-encoded. */
  encoded: string;
}

export interface Place {
  repo: Repo;
  ref: PlaceRef;
  /** The object id that the ref leads to. */
  commit: string;
  path: GitPath;
  /** The address of another page at the same ref; without a path that of the same one. */
  url: (verb: PlaceVerb, path?: GitPath) => string;
}

export type PlaceVerb = 'tree' | 'blob' | 'raw' | 'commits' | 'blame' | 'search' | 'archive';

/**
 * The route of pages (or, with the prefix, of the API) below `/:owner/:repo/<under>`. It catches nothing but owner and
 * repository, because express refuses what it catches when its bytes are not UTF-8.
 */
export const routeBelow = (under: string, prefix = ''): RegExp =>
  new RegExp(`^${prefix}/(?<owner>[^/]+)/(?<repo>[^/]+)/${under}(?:/.*)?$`);
export const apiPrefix = '/api/v1/repos';
/** For readers of the API, whose description knows no parameter that holds slashes. */
export const placeNote =
  'What follows is `<ref>/<path>` with its slashes; the ref is a branch, a tag or a whole object id, and the default branch when nothing follows.';

const maxRefBytes = 250;
const objectId = /^[0-9a-f]{40}$/;
/** git would read such a name, when there is no ref of it, as the output of `git describe`. */
const describeLike = /-g[0-9a-f]{4,40}$/i;

/** As `findPlace`; refuses (`not_found`) a repository without any commit too. */
export async function placeOfRoute(
  forge: Forge,
  exchange: Exchange,
  route: { under: string },
): Promise<Place> {
  const place = await findPlace(forge, exchange, route);
  if (place !== undefined) return place;
  const { owner, repo } = exchange.request.params;
  throw new ForgeError(
    'not_found',
    `${String(owner)}/${String(repo)} has no commit on its default branch yet; push one, or name a branch.`,
  );
}

/**
 * The place that `/:owner/:repo/<under>/…` names, if the caller may read the repository; undefined when no ref is
 * named and the default branch does not exist yet. Refuses (`not_found`) a ref that does not exist. Whether there is
 * anything at the path is not looked at.
 */
export async function findPlace(
  forge: Forge,
  exchange: Exchange,
  route: { under: string },
): Promise<Place | undefined> {
  const repo = repoOf(forge, exchange, 'read');
  const rest = addressBelow(exchange.request.path, route.under);
  return placeAt(forge, repo, rest);
}

/** The place that `<ref>/<path…>` names, percent-encoded; an empty one is the default branch. */
export async function placeAt(forge: Forge, repo: Repo, address: string): Promise<Place | undefined> {
  const whole = decodePath(address.replace(/\/+$/, ''));
  const folder = repoPath(forge, repo.id);
  if (whole === undefined) {
    throw new ForgeError(
      'not_found',
      'This address cannot be read: a % in it is not followed by two digits.',
    );
  }
  if (whole === '' || whole === 'HEAD' || whole.startsWith('HEAD/')) {
    const [found] = await resolveNames(forge, folder, [`refs/heads/${repo.defaultBranch}`]);
    if (found === undefined) return undefined;
    const path = whole.slice('HEAD/'.length) as GitPath;
    return toPlace(repo, {
      kind: 'branch',
      name: repo.defaultBranch,
      spelled: repo.defaultBranch,
      commit: found,
      path,
    });
  }
  const candidates = candidatesOf(whole);
  const commits = await resolveNames(
    forge,
    folder,
    candidates.map(({ full }) => full),
  );
  const index = commits.findIndex((commit) => commit !== undefined);
  const chosen = candidates[index];
  const commit = commits[index];
  if (chosen === undefined || commit === undefined) throw noSuchRef(repo, whole);
  return toPlace(repo, { ...chosen, commit });
}

interface Candidate {
  kind: PlaceRef['kind'];
  name: string;
  /** As the address has it. */
  spelled: string;
  /** What git is asked for: a full ref name, or an object id. */
  full: string;
  path: GitPath;
}

/** Every ref that the address may begin with, those that count more first. */
function candidatesOf(whole: GitPath): Candidate[] {
  const names = whole.split('/');
  const first = names[0] ?? '';
  const byId: Candidate[] = objectId.test(first)
    ? [
        {
          kind: 'commit',
          name: first,
          spelled: first,
          full: first,
          path: names.slice(1).join('/') as GitPath,
        },
      ]
    : [];
  const spelledOut: Candidate[] = [];
  const plain: Candidate[] = [];
  for (let count = countWithin(names, maxRefBytes); count > 0; count -= 1) {
    const spelled = textOfPath(names.slice(0, count).join('/') as GitPath);
    if (spelled === undefined || !isRefName(spelled)) continue;
    const path = names.slice(count).join('/') as GitPath;
    const explicit = /^refs\/(heads|tags)\/(.+)$/s.exec(spelled);
    if (explicit !== null) {
      const kind = explicit[1] === 'heads' ? 'branch' : 'tag';
      spelledOut.push({ kind, name: explicit[2] ?? '', spelled, full: spelled, path });
    }
    plain.push(
      { kind: 'branch', name: spelled, spelled, full: `refs/heads/${spelled}`, path },
      { kind: 'tag', name: spelled, spelled, full: `refs/tags/${spelled}`, path },
    );
  }
  return [...byId, ...spelledOut, ...plain];
}

/** How many of the names, with slashes between them, are no longer than `max`. */
function countWithin(names: readonly string[], max: number): number {
  let length = -1;
  const over = names.findIndex((name) => (length += name.length + 1) > max);
  return over < 0 ? names.length : over;
}

/** The rules of git-check-ref-format(1), so that nothing in a name can mean anything else to git. */
const isRefName = (name: string): boolean =>
  !/[\0-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|^\/|\/$|\.$|(?:^|\/)\.|\.lock(?:\/|$)/.test(name);

/** The commits that full ref names or object ids lead to, through tags as well; one question to git for all. */
async function resolveNames(
  forge: Forge,
  folder: string,
  names: readonly string[],
): Promise<(string | undefined)[]> {
  const heads = await readHeads(
    forge.git,
    folder,
    names.map((name) => `${name}^{commit}`),
  );
  const commits = heads.map((head) => head?.oid);
  for (const [index, name] of names.entries()) {
    if (commits[index] === undefined || !describeLike.test(name)) continue;
    if ((await resolveRef(forge.git, folder, name)) === undefined) commits[index] = undefined;
  }
  return commits;
}

function toPlace(repo: Repo, found: Omit<Candidate, 'full'> & { commit: string }): Place {
  const { kind, name, commit, path } = found;
  const encoded = encodePath(pathOfText(found.spelled));
  return {
    repo,
    ref: { kind, name, shown: kind === 'commit' ? name.slice(0, 8) : name, encoded },
    commit,
    path,
    url: (verb, other = path) => {
      const tail = other === rootPath ? '' : `/${encodePath(other)}`;
      return `/${fullName(repo)}/${verb}/${encoded}${tail}`;
    },
  };
}

function noSuchRef(repo: Repo, whole: GitPath): ForgeError {
  const shown = showPath(whole).slice(0, maxRefBytes);
  return new ForgeError(
    'not_found',
    `${fullName(repo)} has no branch, tag or commit that ${shown} begins with. See its branches and tags for what there is.`,
  );
}

/** What follows the verb in the path of a request, as it was sent. */
function addressBelow(path: string, under: string): string {
  const [, owner = '', repo = '', verb, ...rest] = path.replace(/^\/api\/v1\/repos/, '').split('/');
  if (owner === '' || repo === '' || verb !== under) {
    throw new TypeError(`the route ${path} is not below /${under}`);
  }
  return rest.join('/');
}
