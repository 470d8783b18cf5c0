// Under which heading a route of the API is described, and by which name programs that are generated from the
// description call it.
import type { ApiRow } from './api-route.ts';

export interface ApiGroup {
  name: string;
  description: string;
}

interface Placed extends ApiGroup {
  /** What stands first in a path behind `/api/v1`, or behind a repository. */
  firsts: readonly string[];
}

const ofForge: readonly Placed[] = [
  {
    name: 'Signing in',
    description: 'Who the caller is, and how programs and browsers get a credential.',
    firsts: ['whoami', 'sessions', 'account', 'tokens', 'keys', 'passkeys'],
  },
  {
    name: 'People',
    description: 'Accounts, agents and invitations, for the admins of the forge.',
    firsts: ['accounts', 'agents', 'invitations', 'audit'],
  },
  {
    name: 'Operating',
    description: 'How the forge does, for its admins.',
    firsts: ['health', 'retention'],
  },
  { name: 'Inbox', description: 'What asks for the attention of the caller.', firsts: ['inbox'] },
  { name: 'CI', description: 'Runs, lanes, logs, tests, statuses and secrets.', firsts: ['ci', 'agent'] },
];

const ofRepo: readonly Placed[] = [
  {
    name: 'Branches',
    description: 'What was pushed, what holds it, and how it lands.',
    firsts: ['branches', 'landings', 'merges', 'policy'],
  },
  {
    name: 'CI',
    description: 'Runs, lanes, logs, tests, statuses and secrets.',
    firsts: ['runs', 'nightlies', 'tests', 'secrets'],
  },
  {
    name: 'Files and history',
    description: 'What a branch, tag or commit holds, and how it came to be.',
    firsts: ['tree', 'blob', 'raw', 'archive', 'search', 'refs', 'commits', 'commit', 'compare', 'blame'],
  },
];

const repositories: ApiGroup = {
  name: 'Repositories',
  description: 'Repositories, their settings, members and protected branches.',
};
const theForge: ApiGroup = { name: 'The forge', description: 'What the forge says of itself.' };

/** In the order in which they are read. */
export const apiGroups: readonly ApiGroup[] = [
  theForge,
  ...ofForge.slice(0, 2),
  repositories,
  ...ofRepo,
  ...ofForge.filter(({ name }) => name === 'Operating' || name === 'Inbox'),
].map(({ name, description }) => ({ name, description }));

export function groupOf({ path }: Pick<ApiRow, 'path'>): string {
  const [first = '', ...rest] = path.replace(/^\/api\/v1\//, '').split('/');
  if (first === 'imports') return repositories.name;
  if (first !== 'repos') return nameIn(ofForge, first) ?? theForge.name;
  const behind = rest[2] ?? '';
  if (behind === 'commits' && rest[4] === 'statuses') return 'CI';
  return nameIn(ofRepo, behind) ?? repositories.name;
}

const nameIn = (groups: readonly Placed[], first: string): string | undefined =>
  groups.find(({ firsts }) => firsts.includes(first))?.name;

/** `GET …/branches/:number/wait` → `getBranchesNumberWait`; the repository, which nearly all name, is left out. */
export function operationIdOf({ method, path }: Pick<ApiRow, 'method' | 'path'>): string {
  const words = path
    .replace(/^\/api\/v1\//, '')
    .replace(/^repos\/:owner\/:repo\/(?=.)/, '')
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== '');
  return [method, ...words.map((word) => word.charAt(0).toUpperCase() + word.slice(1))].join('');
}
