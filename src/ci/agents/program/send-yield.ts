// Sends what a lane leaves behind to the forge, before its result: artifacts, reports, and new caches. What the forge has no
// room for is left out of the result, and the lane ends as it did.
import { createReadStream } from 'node:fs';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import type { CacheUse, LaneResult, StartMessage } from '../../lanes/lane-message.ts';
import { cookieName } from '../../lanes/survivors.ts';
import { packTree } from '../tar-tree.ts';
import { Refused, type ForgeLink } from './forge-link.ts';

interface Sending {
  start: StartMessage;
  link: ForgeLink;
  signal: AbortSignal;
}

export async function sendYield(
  { artifacts = [], reports = [], caches = [], ...result }: LaneResult,
  sending: Sending,
): Promise<LaneResult> {
  const { start } = sending;
  const sent = new Map<string, boolean>();
  for (const { sha256 } of artifacts) {
    if (sent.has(sha256)) continue;
    const path = join(start.artifactsFolder, sha256);
    sent.set(sha256, await isTaken(sending, { address: `artifacts/${sha256}`, body: () => fileOf(path) }));
  }
  const told = [];
  for (const report of reports) {
    const path = join(start.reportsFolder, report.stored);
    if (await isTaken(sending, { address: `reports/${report.stored}`, body: () => fileOf(path) }))
      told.push(report);
  }
  const uses: CacheUse[] = [];
  for (const [place, use] of caches.entries()) uses.push(await sendCache(use, place, sending));
  return {
    ...result,
    artifacts: artifacts.filter(({ sha256 }) => sent.get(sha256) === true),
    reports: told,
    caches: uses,
  };
}

/** Of a hit, the forge wants the name of the folder that it came from. */
async function sendCache(use: CacheUse, place: number, sending: Sending): Promise<CacheUse> {
  const { cacheFolder, searchPath, cookie } = sending.start;
  if (use.place === undefined) return use;
  if (use.outcome !== 'saved') return { ...use, place: basename(use.place) };
  const folder = join(cacheFolder, use.place);
  const isSent = await isTaken(sending, {
    address: 'caches',
    query: { place: String(place) },
    body: () => {
      const packed = packTree(folder, { searchPath, env: { [cookieName]: cookie } });
      packed.ended.catch((error: unknown) => packed.stream.destroy(error as Error));
      return webOf(packed.stream);
    },
  });
  return isSent ? use : { key: use.key, outcome: 'miss', bytes: 0 };
}

async function isTaken(
  { link, signal }: Sending,
  file: { address: string; query?: Record<string, string>; body: () => BodyInit },
): Promise<boolean> {
  const { address, query = {}, body } = file;
  try {
    return await link.ask(address, { method: 'PUT', query, body, signal }, () => true);
  } catch (error) {
    if (error instanceof Refused) return false;
    throw error;
  }
}

const fileOf = (path: string): BodyInit => webOf(createReadStream(path));

const webOf = (stream: Readable): BodyInit => Readable.toWeb(stream) as unknown as BodyInit;
