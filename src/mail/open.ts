// The duty of this room: what comes into an inbox is told by mail to whoever chose that, once, several things of a branch
// together. The queue is derived from the inbox, so a mail that finds no place in it is found again later.
import { getActiveAccount } from '../accounts/find.ts';
import type { Forge } from '../forge/open.ts';
import { errorMessage } from '../lib/errors.ts';
import { Loop } from '../lib/loop.ts';
import { isMailOn } from './choose.ts';
import { composeMail, type Composed } from './compose.ts';
import type { Mail } from './model.ts';
import { sendMail, type Sent } from './send.ts';
import {
  claimDueMail,
  countWaiting,
  deleteMail,
  deleteMailsBefore,
  endMail,
  findChoice,
  insertMail,
  listNewsBranchIds,
  listToldAccountIds,
  putTold,
  requeueLostMails,
  retryMail,
} from './store.ts';

/** How soon a mail that is due is sent, and how often every inbox is looked at whatever was heard. */
const pollMs = 5000;
const fullMs = 10 * 60_000;
const dayMs = 24 * 60 * 60_000;
const leaseSpareMs = 30_000;

export interface MailRoom {
  loop: Loop;
  start(): void;
  stop(): Promise<void>;
  /** Something came into these inboxes; without any, something may be due. */
  look(accountIds?: readonly number[]): void;
}

export function openMail(forge: Forge): MailRoom {
  const wanted = new Set<number>();
  const stopping = new AbortController();
  let fullAt = -Infinity;
  // Nobody sends any more what a forge that has ended had taken.
  requeueLostMails(forge.db, { leaseBefore: Number.MAX_SAFE_INTEGER });
  const runOnce = async (): Promise<void> => {
    const now = forge.clock.now();
    const isFull = now - fullAt >= fullMs;
    const told = listToldAccountIds(forge.db);
    const accountIds = isFull ? told : told.filter((id) => wanted.has(id));
    wanted.clear();
    if (isFull) deleteMailsBefore(forge.db, now - forge.config.mail.keepDays * dayMs);
    if (isFull) fullAt = now;
    requeueLostMails(forge.db, { leaseBefore: now });
    for (const id of accountIds) queueNews(forge, id);
    await sendDue(forge, stopping.signal);
  };
  const loop = new Loop({
    name: 'mail',
    pollMs,
    log: forge.log,
    now: () => forge.clock.now(),
    runOnce,
    disabled: isMailOn(forge) ? undefined : 'No mail server is set in [mail] of pika.toml.',
  });
  return {
    loop,
    start: () => loop.start(),
    stop: () => {
      stopping.abort();
      return loop.stop();
    },
    look: (accountIds = []) => {
      for (const id of accountIds) wanted.add(id);
      loop.wake();
    },
  };
}

function queueNews(forge: Forge, accountId: number): void {
  const { digestSeconds, maxQueued } = forge.config.mail;
  const now = forge.clock.now();
  for (const branchId of listNewsBranchIds(forge.db, accountId)) {
    if (countWaiting(forge.db) >= maxQueued) return;
    insertMail(forge.db, { accountId, branchId, dueAt: now + digestSeconds * 1000, now });
  }
}

async function sendDue(forge: Forge, signal: AbortSignal): Promise<void> {
  const leaseMs = forge.config.mail.timeoutSeconds * 4000 + leaseSpareMs;
  while (!signal.aborted) {
    const now = forge.clock.now();
    const mail = claimDueMail(forge.db, { now, leaseUntil: now + leaseMs });
    if (mail === undefined) return;
    const composed = composeSafely(forge, mail);
    if (composed === undefined) {
      deleteMail(forge.db, mail);
      continue;
    }
    const sent = await sendMail(forge, composed.message, signal);
    // The forge stops; nothing can be said of the mail, and the next start sends it again.
    if (signal.aborted) return;
    forge.db.transaction(() => record(forge, { mail, composed, sent }));
  }
}

/** A mail that cannot be composed, for its account or branch is gone, keeps no other from being sent. */
function composeSafely(forge: Forge, mail: Mail): Composed | undefined {
  try {
    getActiveAccount(forge, mail.accountId);
    const choice = findChoice(forge.db, mail.accountId);
    return choice && composeMail(forge, mail, choice);
  } catch (error) {
    forge.log.warn({ mail: mail.id, reason: errorMessage(error) }, 'a mail could not be composed');
    return undefined;
  }
}

function record(
  forge: Forge,
  { mail, composed, sent }: { mail: Mail; composed: Composed; sent: Sent },
): void {
  const { maxAttempts, retrySeconds, maxRetrySeconds } = forge.config.mail;
  const now = forge.clock.now();
  const { id, token, accountId, branchId } = mail;
  if (sent.outcome === 'unreachable' && mail.attempts + 1 < maxAttempts) {
    const seconds = Math.min(maxRetrySeconds, retrySeconds * 2 ** Math.min(mail.attempts, 30));
    retryMail(forge.db, { id, token, message: sent.message, dueAt: now + seconds * 1000 });
    return;
  }
  const state = sent.outcome === 'sent' ? 'sent' : 'failed';
  const message = sent.outcome === 'sent' ? null : sent.message;
  if (!endMail(forge.db, { id, token, state, message, now }) || branchId === undefined) return;
  for (const { kind, key } of composed.reasons) putTold(forge.db, { accountId, branchId, kind, key });
}
