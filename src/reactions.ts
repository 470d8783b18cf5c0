// For each fact: which loop wakes, which page refreshes. The only consequences across domains.
import type { Forge } from './forge/open.ts';
import type { LiveFeed } from './web/sse.ts';

export interface Loops {
  branches: { look(repoId: number): void };
  ci: { wake(): void; warm(): void };
  tutorials: { wake(): void };
  reviews: { wake(): void };
  webhooks: { look(repoId?: number): void };
  mirrors: { ask(repoId: number): void };
  /** Tell the services at mirrors how CI went. */
  statuses: { wake(): void };
  inbox: { look(branchId: number | undefined): void };
  mail: { look(accountIds: readonly number[]): void };
  /** Aims branches anew whose target landed. */
  targets: { wake(): void };
  landings: { wake(): void };
}

// Who pushed still waits for git's last words, and the passes that a push asks for would hold them up.
const answerFirstMs = 15;

const healthMs = 10_000;

/** What other systems may want to hear of, beside pushes. */
const toldFacts = ['branch-settled', 'run-finished', 'review-changed', 'landing-changed'] as const;

/** What may give a service at a mirror something to be told. */
const statusFacts = ['run-created', 'run-finished', 'mirror-changed'] as const;

/** What moves refs. */
const refFacts = ['repo-changed', 'target-moved', 'branch-settled'] as const;

/** What may put a branch into somebody's inbox, or take it out, beside pushes. */
const inboxFacts = [
  'branch-settled',
  'branch-held',
  'run-created',
  'run-finished',
  'review-changed',
  'landing-changed',
] as const;

/** What may open or close the gate of a branch that is to land. */
const gateFacts = [
  'repo-changed',
  'target-moved',
  'branch-broken',
  'branch-held',
  'branch-settled',
  'review-changed',
  'run-finished',
  'landing-changed',
  'landings-paused',
] as const;

/** What may let another lane run. */
const queueFacts = ['branch-settled', 'lane-changed', 'ci-changed', 'queue-changed'] as const;

/** What the lists of branches and the page of the branch show. */
const branchFacts = [
  'branch-pushed',
  'branch-broken',
  'branch-held',
  'branch-settled',
  'run-created',
  'run-finished',
  'lane-changed',
  'landing-changed',
] as const;

const repoFacts = ['repo-changed', 'target-moved'] as const;

/** What may open or close the gates of all branches of a repository, which their pages show. */
const targetFacts = ['target-moved', 'protection-changed', 'landings-paused'] as const;

export function connectReactions(forge: Forge, loops: Loops, live: LiveFeed): void {
  wakeLoops(forge, loops);
  refreshPages(forge, live);
}

function wakeLoops({ events }: Forge, loops: Loops): void {
  for (const fact of inboxFacts) events.on(fact, ({ branchId }) => loops.inbox.look(branchId));
  for (const fact of toldFacts) events.on(fact, ({ repoId }) => loops.webhooks.look(repoId));
  for (const fact of statusFacts) events.on(fact, () => loops.statuses.wake());
  for (const fact of refFacts) events.on(fact, ({ repoId }) => loops.mirrors.ask(repoId));
  for (const fact of gateFacts) events.on(fact, () => loops.landings.wake());
  for (const fact of queueFacts) events.on(fact, () => loops.ci.wake());
  events.on('push-begun', () => loops.ci.warm());
  events.on('inbox-changed', ({ accountIds }) => loops.mail.look(accountIds));
  events.on('protection-changed', ({ repoId }) => loops.branches.look(repoId));
  events.on('refs-pulled', ({ repoId }) => loops.branches.look(repoId));
  events.on('branch-pushed', ({ repoId, branchId }) => {
    setTimeout(() => {
      loops.ci.wake();
      loops.tutorials.wake();
      loops.reviews.wake();
      loops.landings.wake();
      loops.webhooks.look(repoId);
      loops.inbox.look(branchId);
    }, answerFirstMs);
  });
  events.on('branch-settled', () => loops.targets.wake());
  events.on('tutorial-changed', ({ state }) => {
    if (state === 'queued') loops.tutorials.wake();
  });
  events.on('run-created', ({ branchId }) => {
    // CI makes the runs of branches itself; those of the landing queue come to it.
    if (branchId === undefined) loops.ci.wake();
  });
  events.on('lane-changed', ({ branchId }) => {
    // A landing waits for the required lanes of its run only, and its run may go on.
    if (branchId === undefined) loops.landings.wake();
  });
}

function refreshPages({ events }: Forge, live: LiveFeed): void {
  // What loops do and what is ready is nobody's fact.
  live.repeat('health', healthMs);
  const refresh = (...topics: (string | undefined)[]) => {
    for (const topic of topics) if (topic !== undefined) live.publish(topic);
  };
  const branch = (id: number | undefined) => (id === undefined ? undefined : `branch:${id}`);
  for (const fact of branchFacts) {
    events.on(fact, ({ repoId, branchId }) => refresh('home', `repo:${repoId}`, branch(branchId)));
  }
  for (const fact of repoFacts) events.on(fact, ({ repoId }) => refresh('home', `repo:${repoId}`));
  events.on('lane-changed', ({ runId, attemptId }) => refresh(`run:${runId}`, `log:${attemptId}`, 'ci'));
  events.on('lane-output', ({ attemptId }) => refresh(`log:${attemptId}`));
  events.on('run-finished', ({ runId }) => refresh(`run:${runId}`));
  events.on('commit-status-changed', ({ branchIds }) => refresh(...branchIds.map(branch)));
  events.on('tutorial-changed', ({ branchId }) => refresh(branch(branchId)));
  events.on('review-changed', ({ branchId }) => refresh(branch(branchId)));
  events.on('inbox-changed', ({ accountIds }) => refresh(...accountIds.map((id) => `inbox:${id}`)));
  events.on('landing-changed', ({ repoId }) => refresh(`landings:${repoId}`));
  events.on('mirror-changed', ({ repoId }) => refresh(`mirrors:${repoId}`));
  events.on('upstream-changed', ({ repoId }) => refresh(`upstream:${repoId}`));
  events.on('landings-paused', ({ repoId }) => refresh('home', `landings:${repoId}`));
  for (const fact of targetFacts) events.on(fact, ({ repoId }) => refresh(`target:${repoId}`));
  events.on('housekeeping-changed', () => refresh('admin', 'health'));
  events.on('backup-changed', () => refresh('admin', 'health'));
  events.on('ci-changed', () => refresh('ci'));
  events.on('queue-changed', () => refresh('home'));
}
