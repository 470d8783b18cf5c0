// Importing a repository from elsewhere, and looking how its pulls do.
import { setTimeout as pause } from 'node:timers/promises';
import { accountView } from '../../accounts/model.ts';
import { importView, upstreamView, type UpstreamView } from '../../mirror/pull/model.ts';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import type { Client } from '../client.ts';
import { wrongUse } from '../failure.ts';
import { cleanLine, printJson, stderr, stdout } from '../output.ts';
import { findForge, findPlace, repoRoute, type PlaceOptions } from '../place.ts';
import { readSecret } from '../read-secret.ts';

interface ImportOptions {
  json?: boolean;
  public?: boolean;
  sameVisibility?: boolean;
  follow?: boolean;
  tokenFile?: string;
  user?: string;
  wait?: boolean;
}

interface UpstreamOptions extends PlaceOptions {
  json?: boolean;
  pull?: boolean;
  cancel?: boolean;
}

const pollMs = 1000;

export async function importRepo(
  address: string,
  named: string | undefined,
  options: ImportOptions,
): Promise<ExitStatus> {
  if (options.public && options.sameVisibility)
    throw wrongUse('Give --public or --same-visibility, not both.');
  const client = await findForge();
  const wanted = named ?? /([^/:]+?)(?:\.git)?\/*$/.exec(address)?.[1] ?? '';
  const [, owner, name = ''] = /^(?:([^/]+)\/)?([^/]+?)(?:\.git)?$/.exec(wanted) ?? [];
  if (name === '') throw wrongUse(`"${wanted}" is no repository; write NAME or OWNER/NAME.`);
  const body = {
    url: address,
    owner: owner ?? (await client.get('/whoami', { answer: accountView })).name,
    name,
    visibility: options.public ? 'public' : options.sameVisibility ? 'same' : 'private',
    follows: options.follow === true,
    ...(await credentialOf(options)),
  };
  const made = await client.post('/imports', body, importView);
  const route = `/repos/${encodeURIComponent(made.owner)}/${encodeURIComponent(made.name)}/upstream`;
  const upstream = options.wait === false ? made.upstream : await untilPulled(client, route, made.upstream);
  if (options.json) printJson({ ...made, upstream });
  else stdout.line(describeImport(made, upstream));
  return statusOf(upstream);
}

async function credentialOf({ tokenFile, user }: ImportOptions): Promise<object> {
  if (tokenFile === undefined) return {};
  const token = await readSecret('token: ', tokenFile);
  return { credential: { kind: 'token', token, ...(user === undefined ? {} : { user }) } };
}

/** Where the repository comes from; with --pull and --cancel it does that first. */
export async function showUpstream(options: UpstreamOptions): Promise<ExitStatus> {
  if (options.pull && options.cancel) throw wrongUse('Give --pull or --cancel, not both.');
  const place = await findPlace(options);
  const route = `${repoRoute(place)}/upstream`;
  const { client } = place;
  if (options.cancel) await client.post(`${route}/cancel`, {}, upstreamView);
  const begun = options.pull ? await client.post(`${route}/pull`, {}, upstreamView) : undefined;
  const upstream =
    begun === undefined
      ? await client.get(route, { answer: upstreamView })
      : await untilPulled(client, route, begun);
  if (options.json) printJson(upstream);
  else for (const [word, text] of describeUpstream(upstream)) stdout.line(`${word.padEnd(10)} ${text}`);
  return statusOf(upstream);
}

async function untilPulled(client: Client, route: string, begun: UpstreamView): Promise<UpstreamView> {
  let upstream = begun;
  let said = '';
  while (upstream.state === 'pulling' || upstream.state === 'queued') {
    const line = describeProgress(upstream);
    if (line !== said) stderr.line(line);
    said = line;
    await pause(pollMs);
    upstream = await client.get(route, { answer: upstreamView });
  }
  return upstream;
}

function describeProgress({ progress }: UpstreamView): string {
  if (progress === null) return 'asking the upstream';
  const percent = progress.percent === null ? '' : `, ${progress.percent} %`;
  return `${cleanLine(progress.phase)}${percent}`;
}

const statusOf = ({ state }: UpstreamView): ExitStatus =>
  state === 'failing' || state === 'partial' || state === 'cancelled' ? exitStatus.no : exitStatus.done;

function describeImport(
  { owner, name, url }: { owner: string; name: string; url: string },
  upstream: UpstreamView,
): string {
  const lines = [`made ${cleanLine(owner)}/${cleanLine(name)}: ${url}`];
  if (upstream.problem !== null) lines.push(cleanLine(upstream.problem));
  else if (upstream.pulledAt === null) lines.push('Next: ph repo upstream, which tells how far it is');
  else lines.push(`${upstream.refs.total} ${upstream.refs.total === 1 ? 'ref is' : 'refs are'} here.`);
  return lines.join('\n');
}

function describeUpstream(upstream: UpstreamView): [string, string][] {
  const { url, state, pulledAt, problem, refs, follows, everyMinutes } = upstream;
  return [
    ['upstream', cleanLine(url)],
    ['state', state === 'pulling' ? `pulling: ${describeProgress(upstream)}` : state],
    ['follows', follows ? `every ${everyMinutes} minutes` : 'no, it was imported once'],
    ['pulled', pulledAt ?? 'never'],
    ['refs', String(refs.total)],
    ...(problem === null ? [] : [['problem', cleanLine(problem)] satisfies [string, string]]),
    ...refs.left.map(({ ref, state: how, message }): [string, string] => [
      how,
      `${cleanLine(ref)}${message === null ? '' : `: ${cleanLine(message)}`}`,
    ]),
  ];
}
