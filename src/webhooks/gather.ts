// Finds what has happened in a repository since it was last looked for, and queues it for every receiver that wants it.
// It reads the tables where things stand, so nothing is missed that happened while nobody listened; the key of each thing
// sees to it that it is told once.
import type { Branch } from '../branches/model.ts';
import { findBranch, getBranch } from '../branches/find.ts';
import { branchViewOf } from '../branches/view.ts';
import { getRun } from '../ci/find.ts';
import type { Forge } from '../forge/open.ts';
import { getRepo } from '../repos/find.ts';
import { fullName, type Repo } from '../repos/model.ts';
import { repoUrls, runUrl } from '../repos/urls.ts';
import { countQueued, dropOldest, insertDelivery, wasTold } from './delivery-store.ts';
import type { Webhook, WebhookBody, WebhookEvent } from './model.ts';
import {
  listBranchTurns,
  listEndedRuns,
  listLandings,
  listPushes,
  listReopened,
  listReviews,
  type Since,
} from './occurrence-store.ts';
import { listWebhookRows, updateToldUntil } from './store.ts';
import { isoTime } from '../lib/iso-time.ts';

/** Something that happened; its body is made only when somebody is told. */
interface Occurrence {
  event: WebhookEvent;
  key: string;
  at: number;
  body: () => WebhookBody;
}

/** What is written a little later than the time it carries is still found. */
const overlapMs = 60_000;
const maxRows = 5000;
const maxTextCharacters = 2000;

/** Queues what is new; true when there was more than one pass takes, and another should follow. */
export function gatherRepo(forge: Forge, repoId: number): boolean {
  const hooks = listWebhookRows(forge.db, repoId).filter(({ isActive }) => isActive);
  const [first] = hooks;
  if (first === undefined) return false;
  const now = forge.clock.now();
  const told = Math.min(now, ...hooks.map(({ toldUntil }) => toldUntil));
  const { occurrences, readUntil } = occurrencesSince(forge, getRepo(forge, repoId), told - overlapMs);
  const next = readUntil === undefined ? now : readUntil + overlapMs;
  forge.db.transaction(() => {
    for (const hook of hooks) queueFor(forge, hook, occurrences);
    // Without progress, one moment that holds more than a pass takes would be read for ever.
    updateToldUntil(forge.db, { repoId, at: next > told ? next : now });
  });
  return readUntil !== undefined && next > told;
}

function queueFor(forge: Forge, hook: Webhook, occurrences: readonly Occurrence[]): void {
  const now = forge.clock.now();
  let queued = 0;
  for (const { event, key, at, body } of occurrences) {
    if (at < hook.startsAt || !hook.events.includes(event)) continue;
    if (wasTold(forge.db, { webhookId: hook.id, key })) continue;
    insertDelivery(forge.db, { webhookId: hook.id, event, key, body: JSON.stringify(body()), now });
    queued += 1;
  }
  if (queued > 0) keepQueueShort(forge, hook.id);
}

/** A receiver that has been gone for long loses the oldest news first. */
export function keepQueueShort(forge: Forge, webhookId: number): void {
  const { maxQueuedPerWebhook } = forge.config.webhooks;
  const count = countQueued(forge.db, webhookId) - maxQueuedPerWebhook;
  if (count <= 0) return;
  const message = `more than ${maxQueuedPerWebhook} deliveries wait for this receiver; the oldest were given up`;
  dropOldest(forge.db, { webhookId, count, message, now: forge.clock.now() });
}

function occurrencesSince(
  forge: Forge,
  repo: Repo,
  since: number,
): { occurrences: Occurrence[]; readUntil: number | undefined } {
  const where = { repoId: repo.id, since, limit: maxRows };
  const lists = [
    pushes(forge, repo, where),
    runs(forge, repo, where),
    branchTurns(forge, repo, where),
    reopenings(forge, repo, where),
    reviews(forge, repo, where),
    landings(forge, repo, where),
  ];
  // A list that was cut is whole up to its last entry; the others are read again from there.
  const cuts = lists.filter((list) => list.length >= maxRows).map((list) => list.at(-1)?.at ?? since);
  const occurrences = lists.flat().toSorted((a, b) => a.at - b.at);
  return { occurrences, readUntil: cuts.length === 0 ? undefined : Math.min(...cuts) };
}

const short = (text: string): string => text.slice(0, maxTextCharacters);

/** What the body of every event begins with. */
export const told = (forge: Forge, repo: Repo, at: number) => ({
  at: isoTime(at),
  repo: { owner: repo.owner, name: repo.name, url: repoUrls(forge, repo).page },
});

const viewOf = (forge: Forge, repo: Repo, branch: Branch) => branchViewOf(forge, repo, branch);
const viewOfId = (forge: Forge, repo: Repo, branchId: number) =>
  viewOf(forge, repo, getBranch(forge, branchId));

const pushes = (forge: Forge, repo: Repo, where: Since): Occurrence[] =>
  listPushes(forge.db, where).map(({ branchId, number, headOid, baseOid, pusher, at }) => ({
    event: 'push',
    key: `push ${branchId} ${number}`,
    at,
    body: () => ({
      event: 'push',
      ...told(forge, repo, at),
      branch: viewOfId(forge, repo, branchId),
      revision: { number, head: headOid, base: baseOid },
      pusher,
    }),
  }));

/** A run that is run again ends again. */
const runs = (forge: Forge, repo: Repo, where: Since): Occurrence[] =>
  listEndedRuns(forge.db, where).map(({ runId, at }) => ({
    event: 'run',
    key: `run ${runId} ${at}`,
    at,
    body: () => {
      const { branchId, number, kind, headOid, state, problem } = getRun(forge, runId);
      return {
        event: 'run',
        ...told(forge, repo, at),
        branch: branchId === undefined ? null : viewOfId(forge, repo, branchId),
        run: {
          number,
          kind,
          head: headOid,
          state,
          problem: problem === undefined ? null : short(problem),
          url: runUrl(forge, repo, number),
        },
      };
    },
  }));

const branchTurns = (forge: Forge, repo: Repo, where: Since): Occurrence[] =>
  listBranchTurns(forge.db, where).map(({ branchId, action, by, at }) => ({
    event: 'branch',
    key: `branch ${branchId} ${action} ${at}`,
    at,
    body: () => ({
      event: 'branch',
      ...told(forge, repo, at),
      branch: viewOfId(forge, repo, branchId),
      action,
      by,
    }),
  }));

function reopenings(forge: Forge, repo: Repo, where: Since): Occurrence[] {
  return listReopened(forge.db, { ...where, subject: `${fullName(repo)}#` }).flatMap(({ number, by, at }) => {
    const branch = findBranch(forge, repo.id, number);
    if (branch === undefined) return [];
    const body = (): WebhookBody => ({
      event: 'branch',
      ...told(forge, repo, at),
      branch: viewOf(forge, repo, branch),
      action: 'reopened',
      by,
    });
    return [{ event: 'branch', key: `branch ${branch.id} reopened ${at}`, at, body }];
  });
}

const reviews = (forge: Forge, repo: Repo, where: Since): Occurrence[] =>
  listReviews(forge.db, where).map(({ reviewId, branchId, by, verdict, headOid, body, at }) => ({
    event: 'review',
    key: `review ${reviewId}`,
    at,
    body: () => ({
      event: 'review',
      ...told(forge, repo, at),
      branch: viewOfId(forge, repo, branchId),
      review: { by, verdict, head: headOid, message: short(body) },
    }),
  }));

const landings = (forge: Forge, repo: Repo, where: Since): Occurrence[] =>
  listLandings(forge.db, where).map(({ landingId, branchId, state, target, headOid, why, at }) => ({
    event: 'landing',
    key: `landing ${landingId} ${state}`,
    at,
    body: () => ({
      event: 'landing',
      ...told(forge, repo, at),
      branch: viewOfId(forge, repo, branchId),
      landing: { state, target, head: headOid, why: why === null ? null : short(why) },
    }),
  }));
