// Tells the services at remotes how CI went for the commits that stand there. What is to be told is read from the runs again,
// so a lost fact costs delay alone.
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { Loop } from '../lib/loop.ts';
import type { MirrorRemote } from './model.ts';
import { credentialOf } from './push-mirror.ts';
import { findRemote } from './remote-store.ts';
import {
  deleteStatusesBefore,
  listTellingRemotes,
  listUntold,
  markFailed,
  markTold,
  putStatus,
  type CommitVerdict,
  type UntoldStatus,
} from './status-store.ts';
import { tellStatus, type Telling } from './tell-status.ts';

const pollMs = 15_000;
const atOnce = 4;
const maxAttempts = 8;
const day = 24 * 60 * 60_000;

export interface StatusReports {
  loop: Loop;
  start(): void;
  stop(): Promise<void>;
}

/** `verdicts`: how CI went for the newest heads of a repository. */
export function openStatusReports(
  forge: Forge,
  verdicts: (repoId: number) => readonly CommitVerdict[],
): StatusReports {
  const stopping = new AbortController();
  const runOnce = async (): Promise<void> => {
    const now = forge.clock.now();
    const remotes = listTellingRemotes(forge.db);
    if (remotes.length === 0) return;
    for (const { id, repoId } of remotes) {
      forge.db.transaction(() => {
        for (const verdict of verdicts(repoId)) putStatus(forge.db, { ...verdict, remoteId: id, now });
      });
    }
    const untold = listUntold(forge.db, { now, limit: atOnce, maxAttempts });
    await Promise.all(untold.map((status) => tell(forge, status, stopping.signal)));
    if (untold.length === atOnce && !stopping.signal.aborted) loop.wake();
    deleteStatusesBefore(forge.db, now - forge.config.mirror.keepDays * day);
  };
  const now = () => forge.clock.now();
  const loop = new Loop({ name: 'mirror statuses', pollMs, log: forge.log, now, runOnce });
  return {
    loop,
    start: () => loop.start(),
    stop: () => {
      stopping.abort();
      return loop.stop();
    },
  };
}

async function tell(forge: Forge, status: UntoldStatus, signal: AbortSignal): Promise<void> {
  const remote = findRemote(forge.db, status.remoteId);
  if (remote === undefined) return;
  const settings = forge.config.mirror;
  const problem = await tellWithToken(forge, remote, { verdict: status, signal });
  // The forge stops; nothing can be said of the service, and the next start tells it again.
  if (signal.aborted) return;
  if (problem === undefined) return void markTold(forge.db, status);
  const { retrySeconds, maxRetrySeconds } = settings;
  const seconds = Math.min(maxRetrySeconds, retrySeconds * 2 ** status.attempts);
  const restsUntil = forge.clock.now() + seconds * 1000;
  markFailed(forge.db, { ...status, restsUntil, message: problem });
}

/** A token that was sealed with a key that is gone is a problem of its own remote, and of no other. */
async function tellWithToken(
  forge: Forge,
  remote: MirrorRemote,
  telling: Pick<Telling, 'verdict' | 'signal'>,
): Promise<string | undefined> {
  try {
    const credential = credentialOf(forge, remote);
    const token = credential.kind === 'token' ? credential.token : '';
    return await tellStatus({ api: remote.statuses, token, settings: forge.config.mirror, ...telling });
  } catch (error) {
    if (error instanceof ForgeError) return error.message;
    throw error;
  }
}
