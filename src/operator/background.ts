// Everything of the forge that works without being asked: opened in the order in which each part can rely on the ones
// before it, started when somebody may call, and stopped together.
import { openBackups } from '../backups/open.ts';
import { openBranches } from '../branches/open.ts';
import { commitVerdicts } from '../ci/commit-verdicts.ts';
import { openCi } from '../ci/open.ts';
import type { Forge } from '../forge/open.ts';
import { openInbox } from '../inbox/open.ts';
import { openLandings } from '../landing/queue/landings.ts';
import { openMail } from '../mail/open.ts';
import { openTargets } from '../landing/open-targets.ts';
import type { LoopStatus } from '../lib/loop.ts';
import { Slots } from '../lib/slot.ts';
import { openMirrors } from '../mirror/open.ts';
import { openStatusReports } from '../mirror/report-statuses.ts';
import { openPulls } from '../mirror/pull/open-pulls.ts';
import type { Loops } from '../reactions.ts';
import { openHousekeeping } from '../repos/housekeeping-loop.ts';
import { openRetention } from '../retention/open.ts';
import { openReviews } from '../reviews/open.ts';
import { openTutorials } from '../tutorials/open.ts';
import { openWebhooks } from '../webhooks/open.ts';
import { packageVersion } from './package-version.ts';
import { Rest } from './rest.ts';

export async function openBackground(forge: Forge, mergeSlots: Slots) {
  const branches = openBranches(forge);
  const ci = await openCi(forge);
  const tutorials = openTutorials(forge);
  const reviews = openReviews(forge);
  const landings = openLandings(forge, mergeSlots);
  const targets = openTargets(forge);
  const housekeeping = openHousekeeping(forge);
  const retention = openRetention(forge, ci.keeping);
  const webhooks = openWebhooks(forge);
  const mirrors = await openMirrors(forge);
  const statuses = openStatusReports(forge, (repoId) => commitVerdicts(forge, repoId));
  const pulls = openPulls(forge, new Slots());
  const inbox = openInbox(forge);
  const mail = openMail(forge);
  const backups = openBackups(forge, { program: packageVersion() });
  const outward = [webhooks, mirrors, statuses, pulls, inbox, mail];
  const later = [reviews, landings, housekeeping, retention, ...outward, backups];
  const parts = [branches, ci, tutorials, targets, ...later, new Rest()];
  const first = [branches.loop, ci.scheduler, ci.cluster, ci.keeping, tutorials.loop, targets];
  const loops = [...first, ...later.map(({ loop }) => loop)];
  const woken: Loops = {
    branches,
    ci: { wake: () => ci.scheduler.wake(), warm: () => ci.warm() },
    tutorials: tutorials.loop,
    reviews: reviews.loop,
    landings,
    targets,
    webhooks,
    mirrors,
    statuses: statuses.loop,
    inbox,
    mail,
  };
  return {
    branches,
    ci,
    housekeeping,
    retention,
    webhooks,
    mirrors,
    pulls,
    mail,
    backups,
    /** What facts wake. */
    woken,
    status: (): LoopStatus[] => loops.map((loop) => loop.status()),
    start: (): void => {
      for (const part of parts) part.start();
    },
    stop: async (): Promise<void> => {
      await Promise.all(parts.map((part) => part.stop()));
    },
  };
}
