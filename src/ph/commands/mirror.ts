// Mirrors of the repository: other places that follow it. A token comes from a file or standard input; of a deploy key that the
// forge makes, the half for the remote is printed.
import {
  mirrorListView,
  mirrorRefsView,
  mirrorRefView,
  mirrorSyncsView,
  mirrorSyncView,
  mirrorView,
  type MirrorRefView,
  type MirrorSyncView,
  type MirrorView,
} from '../../mirror/model.ts';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { notFound, wrongUse } from '../failure.ts';
import { cleanLine, printJson, printTable, stderr, stdout } from '../output.ts';
import { findPlace, repoRoute, type Place, type PlaceOptions } from '../place.ts';
import { readSecret } from '../read-secret.ts';

export interface MirrorOptions extends PlaceOptions {
  json?: boolean;
}

export interface AddOptions extends MirrorOptions {
  tokenFile?: string;
  user?: string;
  deployKey?: boolean;
  refs?: string[];
  statuses?: string;
  off?: boolean;
}

export interface SetOptions extends AddOptions {
  url?: string;
  on?: boolean;
  credential?: boolean;
  forgetHostKeys?: boolean;
}

export interface StatusOptions extends MirrorOptions {
  all?: boolean;
}

const pollMs = 500;

export async function listMirrors(options: MirrorOptions): Promise<ExitStatus> {
  const place = await findPlace(options);
  const answer = await place.client.get(routeOf(place), { answer: mirrorListView });
  if (options.json) printJson(answer);
  else if (answer.mirrors.length === 0) stderr.line(`${place.owner}/${place.repo} has no mirrors.`);
  else printTable(answer.mirrors.map(rowOf));
  return exitStatus.done;
}

export async function addMirror(name: string, url: string, options: AddOptions): Promise<ExitStatus> {
  const place = await findPlace(options);
  const body = { name, url, ...(await given(options)), ...(options.off ? { active: false } : {}) };
  return answerMirror(await place.client.post(routeOf(place), body, mirrorView), options);
}

export async function changeMirror(name: string, options: SetOptions): Promise<ExitStatus> {
  const { url, on, off } = options;
  if (on && off) throw wrongUse('Give --on or --off, not both.');
  const body = {
    ...(await given(options)),
    ...(url === undefined ? {} : { url }),
    ...(on || off ? { active: on === true } : {}),
    ...(options.credential === false ? { credential: { kind: 'none' } } : {}),
    ...(options.forgetHostKeys ? { forgetHostKeys: true } : {}),
  };
  if (Object.keys(body).length === 0)
    throw wrongUse('Say what changes; ph mirror set --help tells what can.');
  const place = await findPlace(options);
  return answerMirror(await place.client.patch(routeOf(place, name), body, mirrorView), options);
}

export async function removeMirror(name: string, options: MirrorOptions): Promise<ExitStatus> {
  const place = await findPlace(options);
  await place.client.remove(routeOf(place, name));
  if (options.json) printJson({ removed: name });
  else stdout.line(`mirror ${cleanLine(name)} of ${place.owner}/${place.repo} is removed`);
  return exitStatus.done;
}

/** Waits for the end of the sync; the answer is no when something did not arrive. */
export async function syncMirror(name: string, options: MirrorOptions): Promise<ExitStatus> {
  const place = await findPlace(options);
  const begun = await place.client.post(routeOf(place, name, '/sync'), {}, mirrorSyncView);
  const sync = await endOf(place, name, begun);
  if (options.json) printJson(sync);
  else printTable([syncRow(sync)]);
  return sync.state === 'done' && sync.diverged === 0 ? exitStatus.done : exitStatus.no;
}

async function endOf(place: Place, name: string, begun: MirrorSyncView): Promise<MirrorSyncView> {
  const query = { before: String(begun.id + 1) };
  for (;;) {
    const { syncs } = await place.client.get(routeOf(place, name, '/syncs'), {
      query,
      answer: mirrorSyncsView,
    });
    const sync = syncs.find(({ id }) => id === begun.id);
    if (sync === undefined) throw notFound(`The mirror ${name} was removed meanwhile.`);
    if (sync.state !== 'running') return sync;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/** The answer is no when something here is not there. */
export async function showMirror(name: string | undefined, options: StatusOptions): Promise<ExitStatus> {
  if (name === undefined) return listMirrors(options);
  const place = await findPlace(options);
  const mirror = await place.client.get(routeOf(place, name), { answer: mirrorView });
  const query = { state: options.all ? 'all' : 'odd' };
  const { refs } = await place.client.get(routeOf(place, name, '/refs'), { query, answer: mirrorRefsView });
  const { syncs } = await place.client.get(routeOf(place, name, '/syncs'), { answer: mirrorSyncsView });
  if (options.json) printJson({ mirror, refs, syncs });
  else printStatus(mirror, { refs, syncs });
  return mirror.state === 'in-step' ? exitStatus.done : exitStatus.no;
}

/** Replaces exactly what stands there now, as the forge has seen it. */
export async function overwriteRef(name: string, ref: string, options: MirrorOptions): Promise<ExitStatus> {
  const place = await findPlace(options);
  const query = { state: 'diverged' };
  const { refs } = await place.client.get(routeOf(place, name, '/refs'), { query, answer: mirrorRefsView });
  const row = refs.find((one) => one.ref === ref || one.ref === `refs/heads/${ref}`);
  if (row === undefined)
    throw notFound(`${cleanLine(ref)} has not diverged at the mirror ${cleanLine(name)}.`);
  const body = { ref: row.ref, there: row.there };
  const answer = await place.client.post(routeOf(place, name, '/overwrite'), body, mirrorRefView);
  if (options.json) printJson(answer);
  else stdout.line(`${cleanLine(row.ref)}  ${shortOf(row.there)} there is replaced by ${shortOf(row.here)}`);
  return exitStatus.done;
}

const routeOf = (place: Place, name?: string, path = ''): string =>
  `${repoRoute(place)}/mirrors${name === undefined ? '' : `/${encodeURIComponent(name)}${path}`}`;

async function given(options: AddOptions): Promise<Record<string, unknown>> {
  const { tokenFile, user, deployKey, refs, statuses } = options;
  if (tokenFile !== undefined && deployKey) throw wrongUse('Give --token-file or --deploy-key, not both.');
  if (user !== undefined && tokenFile === undefined) throw wrongUse('--user is for --token-file.');
  const token =
    tokenFile === undefined
      ? undefined
      : {
          kind: 'token',
          token: await readSecret('Token: ', tokenFile),
          ...(user === undefined ? {} : { user }),
        };
  const credential = token ?? (deployKey ? { kind: 'key' } : undefined);
  return {
    ...(credential === undefined ? {} : { credential }),
    ...(refs === undefined ? {} : { patterns: refs }),
    ...(statuses === undefined ? {} : { statuses }),
  };
}

function answerMirror(mirror: MirrorView, { json }: MirrorOptions): ExitStatus {
  if (json) {
    printJson(mirror);
    return exitStatus.done;
  }
  printTable([rowOf(mirror)]);
  if (mirror.publicKey !== null) {
    stdout.line(`deploy key  ${cleanLine(mirror.publicKey)}`);
    stderr.line('Add it at the remote as a deploy key that may write.');
  }
  return exitStatus.done;
}

const lagWords = ({ lag }: MirrorView): string =>
  lag.refs === 0
    ? ''
    : `${lag.refs} ${lag.refs === 1 ? 'ref' : 'refs'} behind${lag.seconds === 0 ? '' : `, ${lag.seconds} s`}`;

const rowOf = (mirror: MirrorView): string[] => [
  cleanLine(mirror.name),
  mirror.state,
  cleanLine(mirror.url),
  lagWords(mirror),
  cleanLine(mirror.problem ?? ''),
];

const shortOf = (oid: string | null): string => oid?.slice(0, 10) ?? 'nothing';

const refRow = ({ ref, state, here, there, message }: MirrorRefView): string[] => [
  cleanLine(ref),
  state,
  `here ${shortOf(here)}`,
  `there ${shortOf(there)}`,
  cleanLine(message ?? ''),
];

const syncRow = (sync: MirrorSyncView): string[] => [
  sync.startedAt.slice(0, 16).replace('T', ' '),
  sync.state,
  `${sync.pushed} pushed, ${sync.deleted} deleted, ${sync.refused} refused, ${sync.diverged} diverged`,
  cleanLine(sync.message ?? ''),
];

const shownSyncs = 5;

function printStatus(
  mirror: MirrorView,
  { refs, syncs }: { refs: MirrorRefView[]; syncs: MirrorSyncView[] },
): void {
  printTable([rowOf(mirror)]);
  for (const key of mirror.hostKeys) stdout.line(`server  ${cleanLine(key)}`);
  if (refs.length > 0) printTable(refs.map(refRow));
  if (syncs.length > 0) printTable(syncs.slice(0, shownSyncs).map(syncRow));
}
