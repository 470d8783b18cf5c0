// What people do in the soak of CI: several push at once, mostly to branches whose lanes still run, and sometimes
// somebody cancels a run or asks for it again.
import { makeClient, type GitClient } from '../support/git-client.ts';
import { pushProject } from '../support/sample-project.ts';
import type { ServedForge } from '../support/serve.ts';
import type { Beacons } from './beacons.ts';
import { Ledger } from './ledger.ts';
import { onlyRepo } from './moments.ts';
import { processesOf } from './victims.ts';
import { readRefs, rows, settled } from './verify.ts';

const repoName = 'demo/app';
const peopleCount = 4;
const maxBranches = 16;

export interface CiScene {
  served: ServedForge;
  beacons: Beacons;
  random: () => number;
  /** Where the forge is asked from inside. */
  socket: string;
  people: GitClient[];
  token: string;
  ledger: Ledger;
  /** `ATTEMPT-TOKEN` of the claims whose programs were killed. */
  struck: Set<string>;
  /** How many lane threads were ended, and which attempts failed by it. */
  threadStrikes: number;
  threadsLost: Set<number>;
  /** How many rounds there were in which something may be killed. */
  rounds: number;
  /** The newest attempt whose log was looked at. */
  looked: number;
  /** The processes of a forge that was killed. */
  old: number[];
  /** Compares what was pushed with the refs; answers what is wrong. */
  settle: () => Promise<string[]>;
}

/** Holds a connection open while it lives, so that the soak sees it; `done` is its last word. */
export const laneText = (
  id: string,
  lane: { port: number; group: string; more: string; /** Else it waits for a word. */ seconds?: number },
): string =>
  `[[lane]]\nid = "${id}"\ncommand = ["bash", "-euc", '''
exec 3<>/dev/tcp/127.0.0.1/${lane.port}
echo "$PIKA_ATTEMPT_COOKIE ${lane.group}" >&3
echo lane-ran
${lane.seconds === undefined ? 'read -r go <&3' : `sleep ${lane.seconds}`}
echo done >&3
''']\n${lane.more}`;

export const lanesPerRun = 3;

function manifestFor(port: number): string {
  const retry = 'retry = { infrastructure = 1 }\n';
  const host = `group = "host"\n${retry}`;
  return [
    laneText('quick', { port, group: '-', more: retry, seconds: 0.02 }),
    laneText('first', { port, group: 'host', more: host, seconds: 0.15 }),
    laneText('second', { port, group: 'host', more: `${host}needs = ["quick"]\n`, seconds: 0.15 }),
  ].join('\n');
}

export async function openCiScene(
  parts: Pick<CiScene, 'served' | 'beacons' | 'random' | 'socket'>,
): Promise<CiScene> {
  const { served, beacons } = parts;
  const ada = await served.person('ada', 'admin');
  const files = { '.pika/lanes.toml': manifestFor(beacons.port), 'README.md': '# Soak\n' };
  await pushProject(served, { client: ada, repo: repoName, files });
  const people = [ada];
  // The same person at several terminals: each push needs a checkout of its own.
  while (people.length < peopleCount) {
    const other = await makeClient(served.folder, { name: `ada${people.length}` });
    other.env['GIT_SSH_COMMAND'] = ada.env['GIT_SSH_COMMAND'] ?? '';
    await other.git('fetch', '--quiet', `ssh://git@${served.ssh}/${repoName}.git`, 'main');
    await other.git('reset', '--quiet', '--hard', 'FETCH_HEAD');
    people.push(other);
  }
  const ledger = new Ledger();
  const token = await served.token('ada', 'admin');
  const scene: CiScene = {
    ...parts,
    people,
    token,
    ledger,
    struck: new Set(),
    threadStrikes: 0,
    threadsLost: new Set(),
    rounds: 0,
    looked: 0,
    old: [],
    settle: () => settlePushes(scene),
  };
  return scene;
}

/** Everybody pushes once, to branches of their own choice; answers how many pushes were accepted. */
export async function pushRound(scene: CiScene): Promise<number> {
  const { random, ledger, people } = scene;
  const free = ledger.names().filter((name) => name !== 'main');
  const works = people.map((client, index) => {
    const isOld = free.length >= maxBranches || (free.length > people.length && random() < 0.7);
    const [old] = isOld ? free.splice(Math.floor(random() * free.length), 1) : [];
    const isDeleted = old !== undefined && random() < 0.06;
    return push(scene, { client, name: old ?? ledger.newName(), isDeleted, isHttp: index % 2 === 1 });
  });
  const [accepted] = await Promise.all([Promise.all(works), meddle(scene)]);
  return accepted.filter(Boolean).length;
}

async function push(
  { served, ledger, token, random }: CiScene,
  order: { client: GitClient; name: string; isDeleted: boolean; isHttp: boolean },
): Promise<boolean> {
  const { client, name, isDeleted, isHttp } = order;
  const url = isHttp
    ? `${served.http.replace('//', `//x:${token}@`)}/${repoName}.git`
    : `ssh://git@${served.ssh}/${repoName}.git`;
  const message = `Change ${name} ${random()}`;
  const to = isDeleted
    ? undefined
    : await client.git('commit-tree', 'main^{tree}', '-p', 'main', '-m', message);
  const answered = ledger.begin({ name, to });
  const { status } = await client.tryGit('push', '--quiet', url, `+${to ?? ''}:refs/heads/${name}`);
  answered(status === 0);
  return status === 0;
}

/** What people may ask of a run; a refusal is as good an answer as any. */
const orders: readonly [path: string, body: object][] = [
  ['cancel', {}],
  ['cancel', { force: true }],
  ['rerun', { failed: true }],
  ['recover-run', {}],
  ['run-again', {}],
  ...['quick', 'first', 'second'].flatMap((lane): [string, object][] => [
    ['fail-lane', { lane }],
    ['requeue-lane', { lane }],
    ['cancel', { lane }],
  ]),
];

async function meddle(scene: CiScene): Promise<void> {
  const { random, served } = scene;
  const dice = random();
  if (dice > 0.35) return;
  const runs = rows<{ number: number }>(served.data, 'SELECT number FROM runs ORDER BY id DESC LIMIT 10');
  const run = runs[Math.floor(random() * runs.length)];
  const [path, body] = orders[Math.floor(random() * orders.length)] ?? ['cancel', {}];
  try {
    if (dice < 0.05) await askCi(scene, 'pause-ci', {});
    if (run !== undefined) await ask(scene, `/runs/${run.number}/${path}`, body);
    if (dice < 0.05) await askCi(scene, 'resume-ci', {});
  } catch {
    // The forge was killed meanwhile.
  }
}

/**
 * What an operator does when CI stands still: a target that rests because threads of its lanes were killed is
 * cleared, and a queue that was held when the forge was killed goes on.
 */
export async function operate(scene: CiScene): Promise<void> {
  const { data } = scene.served;
  const isPaused = rows(data, 'SELECT id FROM ci_pause').length > 0;
  if (isPaused) await askCi(scene, 'resume-ci', {});
  const now = Date.now();
  const resting = rows<{ name: string }>(data, `SELECT name FROM ci_targets WHERE unhealthy_until > ${now}`);
  for (const { name } of resting) await askCi(scene, 'clear-target', { target: name });
}

async function settlePushes(scene: CiScene): Promise<string[]> {
  const { served, ledger } = scene;
  // A git of the forge that was killed may still move its ref.
  const before = scene.old.splice(0);
  const left = await settled(() => {
    const alive = new Set(before.length === 0 ? [] : processesOf(served.data));
    return Promise.resolve(
      before.filter((pid) => alive.has(pid)).map((pid) => `process ${pid} of the old forge lives on`),
    );
  });
  const refs = await readRefs(onlyRepo(served.data));
  refs.delete('main');
  return [...left, ...ledger.settle(refs).faults];
}

/** Below the repository's API as ada; with a body it is a POST. */
export const ask = (scene: CiScene, path: string, body?: object): Promise<Response> =>
  request(scene, `/repos/${repoName}${path}`, body);

const askCi = (scene: CiScene, verb: string, body: object): Promise<Response> =>
  request(scene, `/ci/${verb}`, { reason: 'the soak goes on', ...body });

function request({ served, token }: CiScene, path: string, body?: object): Promise<Response> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const post = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
  return fetch(`${served.http}/api/v1${path}`, { headers, ...post });
}
