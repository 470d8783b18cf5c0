// What somebody should see to, in plain sentences: what is wrong, what to do, and where. Each function looks at one thing and
// says nothing when all is well with it.
import { accessSync, constants } from 'node:fs';
import { backupTrouble } from '../backups/find.ts';
import { ciOverview } from '../ci/overview.ts';
import type { Config } from '../forge/config.ts';
import { diskRoom } from '../forge/disk.ts';
import type { Forge } from '../forge/open.ts';
import type { LoopStatus } from '../lib/loop.ts';
import { mailState } from '../mail/find.ts';
import { mirrorTrouble, upstreamTrouble } from '../mirror/trouble.ts';
import type { EventLoopDelay } from './event-loop.ts';
import type { Check, CheckName, Problem } from './model.ts';
import {
  failedTutorials,
  listBroken,
  listFailedCare,
  listFailingWebhooks,
  listPausedQueues,
  oldestWaitingLane,
} from './store.ts';

const maxOfAKind = 5;
const [minute, hour] = [60_000, 60 * 60_000];
const mebibyte = 1024 * 1024;
/** A receiver that has failed so often in a row will not come back by itself. */
const manyFailures = 5;
const longWaitHours = 2;
const slowLoopMs = 250;

export interface Looked {
  checks: readonly Check[];
  loops: readonly LoopStatus[];
  ci: { isSandboxed(): boolean; quarantined(): readonly unknown[] };
  delay: EventLoopDelay;
  /** What a domain that has more to say found by itself. */
  more: readonly Problem[];
}

/** Everything that is wrong, what keeps people from working first. */
export function listProblems(forge: Forge, looked: Looked): Problem[] {
  const all = [
    ...checkProblems(looked.checks),
    ...loopProblems(forge, looked.loops),
    ...looked.more,
    ...diskProblems(forge),
    ...backupProblems(forge),
    ...ciProblems(forge, looked.ci),
    ...repoProblems(forge),
    ...toldProblems(forge),
    ...mirrorProblems(forge),
    ...settingProblems(forge),
    ...delayProblems(looked.delay),
  ];
  return [
    ...all.filter(({ severity }) => severity === 'fault'),
    ...all.filter(({ severity }) => severity === 'warning'),
  ];
}

const wayOut: Record<CheckName, string> = {
  database:
    'See whether another program holds forge.db open, and whether its disk can be written. pika-git doctor looks it over.',
  disk: 'Make room on the disk of the data directory. The forge goes on by itself when there is enough.',
  git: 'See whether git can be started by the user of the forge, then run pika-git doctor --mend.',
  hooks:
    'Bring back the folder hooks/ from the package, with its files executable and on a disk that lets programs run.',
  ssh: 'See whether something else took its port. The forge starts its SSH server anew by itself; restart the forge if it does not.',
  loops: 'Wait for the start to be over; if it does not end, restart the forge and look into its log.',
};

const mirrorProblems = (forge: Forge): Problem[] =>
  [...mirrorTrouble(forge, maxOfAKind), ...upstreamTrouble(forge, maxOfAKind)].map((trouble) => ({
    severity: 'warning',
    ...trouble,
  }));

const checkProblems = (checks: readonly Check[]): Problem[] =>
  checks.flatMap(({ name, fault }): Problem[] =>
    fault === undefined ? [] : [{ severity: 'fault', what: fault, todo: wayOut[name] }],
  );

function loopProblems(forge: Forge, loops: readonly LoopStatus[]): Problem[] {
  const now = forge.clock.now();
  const longMs = forge.config.health.longPassMinutes * minute;
  return loops.flatMap((loop): Problem[] => {
    if (loop.state === 'failing') {
      const times = loop.failures === 1 ? 'once' : `${loop.failures} times in a row`;
      return [
        {
          severity: 'fault',
          what: `The loop ${loop.name} failed ${times}: ${loop.lastError ?? 'for no reason that it gave'}`,
          todo: `It tries again by itself. The log has the whole error in the lines with "loop":"${loop.name}"; pika-git doctor looks for what may be behind it.`,
          link: '/admin/health#loops-heading',
        },
      ];
    }
    const { activeSince } = loop;
    if (activeSince === undefined || now - activeSince < longMs) return [];
    return [
      {
        severity: 'warning',
        what: `A pass of the loop ${loop.name} takes ${Math.floor((now - activeSince) / minute)} minutes already.`,
        todo: 'See whether a git or a program that it started hangs. A restart of the forge ends the pass and loses nothing.',
        link: '/admin/health#loops-heading',
      },
    ];
  });
}

function diskProblems(forge: Forge): Problem[] {
  const { freeBytes, isLow } = diskRoom(forge);
  const low = forge.config.health.lowDiskMebibytes * mebibyte;
  // What is too little to go on is a check that fails.
  if (isLow || freeBytes >= low) return [];
  return [
    {
      severity: 'warning',
      what: `The disk will soon be full: ${Math.floor(freeBytes / mebibyte)} MiB are free.`,
      todo: `Make room, or lower what is kept in pika.toml. Below ${forge.config.limits.minFreeMebibytes} MiB nothing new is begun.`,
    },
  ];
}

function backupProblems(forge: Forge): Problem[] {
  const trouble = backupTrouble(forge);
  return trouble === undefined ? [] : [{ severity: 'warning', ...trouble, link: '/admin/backups' }];
}

function ciProblems(forge: Forge, ci: Looked['ci']): Problem[] {
  const { pause, targets } = ciOverview(forge);
  const problems: Problem[] = [];
  const add = (what: string, todo: string, link?: string): void =>
    void problems.push({ severity: 'warning', what, todo, link });
  if (!ci.isSandboxed()) {
    add(
      'No sandbox works on this machine, so lanes run with the rights of the forge.',
      'Install bubblewrap, allow unprivileged user namespaces, and restart the forge. Run only code that you trust until then.',
    );
  }
  if (pause !== undefined) {
    const by = pause.pausedBy ?? 'somebody who is gone';
    add(`CI is paused by ${by}: ${pause.reason}`, 'Resume it when the reason is gone.', '/admin#ci-heading');
  }
  for (const { name, health } of targets.filter(({ isHealthy }) => !isHealthy)) {
    add(
      `Lanes do not start on the target ${name}: ${health?.message ?? 'it failed twice in a row'}`,
      'See to what it says. It is tried again by itself after a while, or at once when you take it for healthy.',
      '/admin#ci-heading',
    );
  }
  const lost = ci.quarantined().length;
  if (lost > 0) {
    add(
      `${lost === 1 ? 'One place' : `${lost} places`} for lanes cannot be used, for programs in them cannot be ended.`,
      'See what holds these programs: usually a disk that does not answer. The places come back when they are gone.',
      '/admin#ci-heading',
    );
  }
  const oldest = oldestWaitingLane(forge.db);
  const waited = oldest === undefined ? 0 : forge.clock.now() - oldest;
  if (pause === undefined && waited > longWaitHours * hour) {
    add(
      `A lane waits for ${Math.floor(waited / hour)} hours already.`,
      'Look why: there may be too few places (ci.concurrency), or a target that the configuration does not have.',
      '/admin#ci-heading',
    );
  }
  return problems;
}

function repoProblems(forge: Forge): Problem[] {
  const broken = listBroken(forge.db, maxOfAKind).map(({ owner, repo, number, name, reason }): Problem => ({
    severity: 'fault',
    what: `The branch ${name} of ${owner}/${repo} cannot be read: ${reason}`,
    todo: 'Push it again, or bring the repository back from a backup. It recovers by itself when its commits are there.',
    link: `/${owner}/${repo}/branches/${number}`,
  }));
  const uncared = listFailedCare(forge.db, maxOfAKind).map(({ owner, repo, error }): Problem => ({
    severity: 'warning',
    what: `The housekeeping of ${owner}/${repo} failed: ${error ?? 'for no reason that it gave'}`,
    todo: 'It is tried again by itself. pika-git doctor says whether the repository is whole.',
    link: '/admin#housekeeping-heading',
  }));
  const paused = listPausedQueues(forge.db, maxOfAKind).map(({ owner, repo, reason, by }): Problem => ({
    severity: 'warning',
    what: `The landing queue of ${owner}/${repo} is paused by ${by ?? 'somebody who is gone'}: ${reason}`,
    todo: 'Resume it when the reason is gone.',
    link: `/${owner}/${repo}/landings`,
  }));
  return [...broken, ...uncared, ...paused];
}

/** What the forge tells others, and others tell it. */
function toldProblems(forge: Forge): Problem[] {
  const hooks = listFailingWebhooks(forge.db, { failures: manyFailures, limit: maxOfAKind }).map(
    ({ owner, repo, id, failures }): Problem => ({
      severity: 'warning',
      what: `A webhook of ${owner}/${repo} failed ${failures} times in a row.`,
      todo: 'Look at its last deliveries; turn it off when its receiver is gone.',
      link: `/${owner}/${repo}/settings/webhooks/${id}`,
    }),
  );
  const { isOn, troubles } = mailState(forge, maxOfAKind);
  const mails = troubles.filter(({ state }) => isOn && state !== 'failed').slice(0, 1);
  const mail = mails.map(({ message }): Problem => ({
    severity: 'warning',
    what: `Mails cannot be sent: ${message}`,
    todo: 'See whether [mail] in pika.toml still fits the mail server. They are tried again by themselves.',
    link: '/admin#mail-heading',
  }));
  const failed = failedTutorials(forge.db, forge.clock.now() - 24 * hour);
  if (failed.count === 0) return [...hooks, ...mail];
  const count = failed.count === 1 ? 'one open branch' : `${failed.count} open branches`;
  const tutorial: Problem = {
    severity: 'warning',
    what: `No tutorial could be written for ${count}: ${failed.message ?? 'for no reason that was given'}`,
    todo: 'See whether [tutorials] in pika.toml still fits the writer and its key. The outline is shown until then.',
  };
  return [...hooks, ...mail, tutorial];
}

/** The files that settings name, and what is without them. */
const namedFiles = ({ health, mail, mirror, tutorials }: Config): [string, string | undefined, string][] => [
  ['health.metricsTokenFile', health.metricsTokenFile, 'nobody can read /metrics with its token'],
  ['mail.passwordFile', mail.passwordFile, 'no mail can be sent'],
  ['mirror.caFile', mirror.caFile, 'no remote can be reached over HTTPS'],
  ['tutorials.keyFile', tutorials.keyFile, 'the model that writes tutorials cannot be asked'],
];

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

function settingProblems({ config }: Forge): Problem[] {
  const problems: Problem[] = [];
  const isPublic = !['127.0.0.1', '::1', 'localhost'].includes(config.http.host);
  if (config.publicUrl === undefined && (isPublic || config.trustedProxies.length > 0)) {
    problems.push({
      severity: 'warning',
      what: 'Nobody told the forge by which address it is reached, so its links may lead nowhere.',
      todo: 'Set publicUrl in pika.toml, or PIKA_PUBLIC_URL, to what people type: https://git.example.org.',
    });
  }
  for (const [key, path, then] of namedFiles(config)) {
    if (path === undefined || isReadable(path)) continue;
    problems.push({
      severity: 'warning',
      what: `The file of ${key} is not there, or the forge may not read it, so ${then}.`,
      todo: `See to ${path}, readable by the user of the forge, or take the setting away.`,
    });
  }
  return problems;
}

function delayProblems({ p99Ms }: EventLoopDelay): Problem[] {
  if (p99Ms < slowLoopMs) return [];
  return [
    {
      severity: 'warning',
      what: `Pages wait for the program itself: one moment in a hundred lasted ${Math.round(p99Ms)} ms or longer.`,
      todo: 'See whether the machine has processors to spare while lanes run; a smaller ci.concurrency leaves it more.',
    },
  ];
}
