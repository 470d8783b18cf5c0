// Repositories of the forge: making one, those you may see, and their settings.
import { accountView } from '../../accounts/model.ts';
import {
  repoListView,
  repoView,
  type MergeMethod,
  type RepoChanges,
  type RepoView,
  type Visibility,
} from '../../repos/model.ts';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { addRemote } from '../checkout.ts';
import type { Client } from '../client.ts';
import { wrongUse } from '../failure.ts';
import { cleanLine, printJson, printTable, stderr, stdout } from '../output.ts';
import { findForge, findPlace, repoRoute, type PlaceOptions } from '../place.ts';

interface CreateOptions {
  json?: boolean;
  public?: boolean;
  defaultBranch?: string;
  description?: string;
  remote?: string;
}

export async function createRepo(named: string, options: CreateOptions): Promise<ExitStatus> {
  const client = await findForge();
  const [, owner, name = ''] = /^(?:([^/]+)\/)?([^/]+?)(?:\.git)?$/.exec(named) ?? [];
  if (name === '') throw wrongUse(`"${named}" is no repository; write NAME or OWNER/NAME.`);
  const { defaultBranch, description } = options;
  const body = {
    owner: owner ?? (await client.get('/whoami', { answer: accountView })).name,
    name,
    visibility: options.public ? 'public' : 'private',
    ...(defaultBranch === undefined ? {} : { defaultBranch }),
    ...(description === undefined ? {} : { description }),
  };
  const made = await client.post('/repos', body, repoView);
  if (options.remote !== undefined) addRemote(options.remote, made.sshUrl);
  if (options.json) printJson(made);
  else stdout.line(describeNew(made, options.remote));
  return exitStatus.done;
}

function describeNew(
  { owner, name, url, sshUrl, defaultBranch }: RepoView,
  remote: string | undefined,
): string {
  const add = remote === undefined ? `git remote add pika ${sshUrl} && ` : '';
  return [
    `made ${cleanLine(owner)}/${cleanLine(name)}: ${url}`,
    `Next: ${add}git push ${remote ?? 'pika'} ${cleanLine(defaultBranch)}`,
  ].join('\n');
}

export async function listRepos(options: { json?: boolean }): Promise<ExitStatus> {
  const client = await findForge();
  const answer = await client.get('/repos', { answer: repoListView });
  if (options.json) printJson(answer);
  else if (answer.repos.length === 0) stderr.line(`${client.origin} has no repository that you may see.`);
  else printTable(answer.repos.map(rowOf));
  return exitStatus.done;
}

const rowOf = (repo: RepoView): string[] => [
  `${cleanLine(repo.owner)}/${cleanLine(repo.name)}`,
  repo.visibility,
  cleanLine(repo.defaultBranch),
  cleanLine(repo.description),
];

export async function renameRepo(
  name: string,
  options: PlaceOptions & { json?: boolean },
): Promise<ExitStatus> {
  const before = await findPlace(options);
  const now = await change(before.client, repoRoute(before), { name });
  if (options.json) printJson(now);
  else {
    stdout.line(`${before.owner}/${before.repo} is ${cleanLine(now.owner)}/${cleanLine(now.name)} now.`);
    stdout.line(`Next, in every clone: git remote set-url origin ${now.sshUrl}`);
  }
  return exitStatus.done;
}

interface SetOptions extends PlaceOptions {
  json?: boolean;
  description?: string;
  visibility?: Visibility;
  defaultBranch?: string;
  method?: MergeMethod;
  notes?: 'on' | 'off';
}

export async function setRepo(options: SetOptions): Promise<ExitStatus> {
  const { description, visibility, defaultBranch, method, notes } = options;
  const changes: RepoChanges = {
    ...(description === undefined ? {} : { description }),
    ...(visibility === undefined ? {} : { visibility }),
    ...(defaultBranch === undefined ? {} : { defaultBranch }),
    ...(method === undefined ? {} : { mergeMethod: method }),
    ...(notes === undefined ? {} : { takesNotes: notes === 'on' }),
  };
  if (Object.keys(changes).length === 0) {
    throw wrongUse('Say what to set, e.g. --visibility public; ph repo set --help lists what there is.');
  }
  const place = await findPlace(options);
  const now = await change(place.client, repoRoute(place), changes);
  if (options.json) printJson(now);
  else for (const [word, text] of describeSettings(now)) stdout.line(`${word.padEnd(14)} ${text}`);
  return exitStatus.done;
}

const change = (client: Client, route: string, changes: RepoChanges): Promise<RepoView> =>
  client.patch(route, changes, repoView);

const describeSettings = (repo: RepoView): [string, string][] => [
  ['repository', `${cleanLine(repo.owner)}/${cleanLine(repo.name)}`],
  ['description', cleanLine(repo.description) || 'none'],
  ['visibility', repo.visibility],
  ['default branch', cleanLine(repo.defaultBranch)],
  ['lands by', repo.mergeMethod],
  ['notes', repo.takesNotes ? 'on' : 'off'],
];
