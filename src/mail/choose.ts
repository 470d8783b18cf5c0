// What somebody wants to be told by mail, and where. An address that did not confirm itself gets nothing but the question.
import { recordAudit } from '../accounts/audit.ts';
import { getAccount } from '../accounts/find.ts';
import { requireOwnAccount } from '../accounts/guard.ts';
import type { Caller } from '../accounts/model.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import type { MailChoice, MailRequest, MailView } from './model.ts';
import { choiceBySecret } from './secrets.ts';
import { countWaiting, deleteChoice, findChoice, insertMail, putChoice } from './store.ts';

const [minute, hour] = [60_000, 60 * 60_000];

export const isMailOn = (forge: Forge): boolean => forge.config.mail.host !== undefined;

export function mailOf(forge: Forge, caller: Caller): MailView {
  const choice = findChoice(forge.db, requireOwnAccount(caller, 'read').id);
  return {
    available: isMailOn(forge),
    address: choice?.address ?? null,
    confirmed: choice?.confirmedAt !== undefined,
    kinds: choice?.kinds ?? [],
  };
}

/**
 * Chooses an address and what is told. Another address, or one that is not confirmed, is sent a link first; `limited` when
 * that was asked for a moment ago, so that the forge cannot be made to pester a stranger.
 */
export function chooseMail(
  forge: Forge,
  { caller, request }: { caller: Caller; request: MailRequest },
): MailView {
  const account = requireOwnAccount(caller, 'admin');
  if (!isMailOn(forge)) {
    throw new ForgeError('unavailable', 'This forge sends no mail; its operator can set mail.host.');
  }
  const now = forge.clock.now();
  const before = findChoice(forge.db, account.id);
  const isKnown = before?.address === request.address && before.confirmedAt !== undefined;
  const { askMinutes, maxQueued } = forge.config.mail;
  if (!isKnown && before !== undefined && now - before.askedAt < askMinutes * minute) {
    throw new ForgeError('limited', `An address was asked just now; try again in ${askMinutes} minutes.`);
  }
  if (!isKnown && countWaiting(forge.db) >= maxQueued) {
    throw new ForgeError('limited', 'Too many mails wait to be sent; try again later.');
  }
  forge.db.transaction(() => {
    const confirmed = isKnown ? { askedAt: before.askedAt, confirmedAt: before.confirmedAt } : undefined;
    putChoice(forge.db, {
      accountId: account.id,
      ...request,
      ...(confirmed ?? { askedAt: now, confirmedAt: undefined }),
    });
    if (!isKnown) insertMail(forge.db, { accountId: account.id, branchId: null, dueAt: now, now });
    recordAudit(forge, caller, { action: 'mail.choose', subject: account.name, detail: { ...request } });
  });
  return mailOf(forge, caller);
}

/** Confirms the caller's address by the secret that it was sent. */
export function confirmMail(forge: Forge, { caller, secret }: { caller: Caller; secret: string }): MailView {
  const account = requireOwnAccount(caller, 'admin');
  const choice = choiceBySecret(forge, 'confirm', secret);
  const now = forge.clock.now();
  if (choice?.accountId !== account.id || now - choice.askedAt > forge.config.mail.confirmHours * hour) {
    const way = 'Choose the address on your account page again, and a new link is sent.';
    throw new ForgeError('invalid', `This link is not yours, is too old, or was replaced. ${way}`);
  }
  if (choice.confirmedAt === undefined) {
    forge.db.transaction(() => {
      putChoice(forge.db, { ...choice, confirmedAt: now });
      const detail = { address: choice.address };
      recordAudit(forge, caller, { action: 'mail.confirm', subject: account.name, detail });
    });
  }
  return mailOf(forge, caller);
}

/** Ends all mail to the caller. */
export function stopMail(forge: Forge, caller: Caller): void {
  end(forge, caller, requireOwnAccount(caller, 'admin').id);
}

/** For whoever holds the link of a mail, signed in or not: it can do nothing else. */
export function stopMailBySecret(forge: Forge, { caller, secret }: { caller: Caller; secret: string }): void {
  end(forge, caller, stoppable(forge, secret).accountId);
}

/** Refuses (`not_found`) a link whose address gets no mail any more. */
export function stoppable(forge: Forge, secret: string): MailChoice {
  const choice = choiceBySecret(forge, 'stop', secret);
  if (choice === undefined) {
    throw new ForgeError(
      'not_found',
      'This link stops nothing: its address gets no mail from here any more.',
    );
  }
  return choice;
}

function end(forge: Forge, caller: Caller, accountId: number): void {
  forge.db.transaction(() => {
    if (!deleteChoice(forge.db, accountId)) return;
    recordAudit(forge, caller, { action: 'mail.stop', subject: getAccount(forge, accountId).name });
  });
}
