// The program that runs one lane on a node, away from the forge. It needs Node, git and the usual small programs of the
// system; the forge hands it out as one file (agent-program.ts). Nothing of it reaches the forge's database or disk.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { errorMessage } from '../../../lib/errors.ts';
import { removeTree } from '../../../lib/remove-tree.ts';
import type { StartMessage, Tier } from '../../lanes/lane-message.ts';
import { chooseTier, findBounds } from '../../lanes/probe.ts';
import { killSurvivors } from '../../lanes/survivors.ts';
import { laneOrder, type LaneOrder } from '../agent-message.ts';
import { agentExits, agentStart, type AgentStart } from '../agent-start.ts';
import { AwayLane } from './away-lane.ts';
import { ClaimRefused, ForgeLink, Unreachable } from './forge-link.ts';
import { Lease } from './lease.ts';
import { makeFolders, noteOwner, sweepFolders, type NodeFolders } from './node-folders.ts';

/** The text of subreaper.pl, put in when the program is made into one file. */
declare const SUBREAPER: string;

/** A forge that is being started anew is waited for. */
const claimMs = 120_000;

/** Runs the lane of a credential to its end; answers the exit status (`agentExits`). */
export async function runAgent(given: unknown): Promise<number> {
  try {
    const start = agentStart.parse(given);
    await sweepFolders(start.scratch);
    const folders = makeFolders(start.scratch);
    try {
      return await runLane(start, folders);
    } finally {
      await removeTree(folders.base);
    }
  } catch (error) {
    process.stderr.write(`pika-agent: ${errorMessage(error)}\n`);
    if (error instanceof ClaimRefused) return agentExits.refused;
    return error instanceof Unreachable ? agentExits.unreachable : agentExits.failed;
  }
}

async function runLane(start: AgentStart, folders: NodeFolders): Promise<number> {
  const subreaper = join(folders.base, 'subreaper.pl');
  writeFileSync(subreaper, SUBREAPER);
  const place = { dataFolder: folders.base, scratch: folders.probe, searchPath: start.path, subreaper };
  const { sandbox: wanted, allowUnsandboxed } = start;
  const { tier } = await chooseTier({ wanted, allowUnsandboxed, ...place });
  const bounds = await findBounds(tier ?? 'none', place);

  const link = new ForgeLink(start.url, start.credential);
  const { order, lease } = await takeClaim(start, { link, tier });
  if (tier === undefined) return agentExits.refused;
  const { cacheScopes, ...known } = order;
  const cookie = `agent-${order.cookie}`;
  noteOwner(folders, cookie);
  const caches = cacheScopes.map((scope) => join(folders.caches, scope));
  const message: StartMessage = {
    ...known,
    type: 'start',
    cookie,
    tier,
    bounds,
    objects: join(folders.source, 'objects'),
    folder: folders.lane,
    logFolder: folders.log,
    dataFolder: folders.base,
    searchPath: start.path,
    cacheFolder: caches[0] ?? folders.caches,
    readableCaches: caches.slice(1),
    artifactsFolder: folders.artifacts,
    reportsFolder: folders.reports,
    keepFolder: false,
  };
  // A claim of the attempt that was lost may still have programs here.
  await killSurvivors(cookie.slice(0, cookie.lastIndexOf('-') + 1));
  const lane = new AwayLane({ start: message, cacheScopes, folders, link, lease });
  const endEarly = () => void lane.endEarly();
  for (const signal of endSignals) process.on(signal, endEarly);
  try {
    return await lane.run();
  } finally {
    for (const signal of endSignals) process.off(signal, endEarly);
  }
}

const endSignals = ['SIGTERM', 'SIGINT'] as const;

async function takeClaim(
  { job, node }: AgentStart,
  { link, tier }: { link: ForgeLink; tier: Tier | undefined },
): Promise<{ order: LaneOrder; lease: Lease }> {
  const session = randomBytes(32).toString('hex');
  // Before the first try: the forge may have given the claim to one whose answer was lost.
  const askedAt = performance.now();
  const json = { session, job, node: node || hostname(), sandbox: tier ?? null };
  const answer = await link.json('claim', { json, signal: AbortSignal.timeout(claimMs) });
  const order = laneOrder.parse(answer);
  link.useSession(session);
  return { order, lease: new Lease(order.leaseMs - (performance.now() - askedAt)) };
}

if (process.argv[1] === import.meta.filename) {
  process.exit(await runAgent(JSON.parse(await text(process.stdin))));
}
