// The text of mails. What people wrote into titles and names goes through as text: no line breaks, no marks that turn the
// direction of what follows, and escaped where it stands in HTML.
import type { SendMailOptions } from 'nodemailer';
import { getAccount } from '../accounts/find.ts';
import { getBranch } from '../branches/find.ts';
import { publicOrigin, type Forge } from '../forge/open.ts';
import { reasonText } from '../inbox/model.ts';
import { getRepo } from '../repos/find.ts';
import { fullName } from '../repos/model.ts';
import { rightOn } from '../repos/rights.ts';
import type { Mail, MailChoice, MailReason } from './model.ts';
import { secretOf } from './secrets.ts';
import { listReasons } from './store.ts';

export interface Composed {
  message: SendMailOptions;
  /** What the mail tells, so that it is not told again. */
  reasons: MailReason[];
}

/** Undefined when there is nothing to tell any more: it was read, or its reader may not see it. */
export function composeMail(forge: Forge, mail: Mail, choice: MailChoice): Composed | undefined {
  if (mail.branchId === undefined) {
    return choice.confirmedAt === undefined ? composeQuestion(forge, mail, choice) : undefined;
  }
  return composeNotice(forge, { mail, branchId: mail.branchId, choice });
}

function composeQuestion(forge: Forge, mail: Mail, choice: MailChoice): Composed {
  const origin = publicOrigin(forge.config);
  const { name } = getAccount(forge, choice.accountId);
  const link = `${origin}/account/mail?secret=${secretOf(forge, 'confirm', choice)}`;
  const text = [
    `The account ${name} of ${origin} wants its notifications sent to this address.`,
    `To confirm that, sign in as ${name} and open this link within ${forge.config.mail.confirmHours} hours:`,
    link,
    'If that was not you, do nothing: no other mail comes.',
  ].join('\n\n');
  const message = { ...head(forge, mail, choice), subject: `Confirm this address for ${name}`, text };
  return { message, reasons: [] };
}

function composeNotice(
  forge: Forge,
  { mail, branchId, choice }: { mail: Mail; branchId: number; choice: MailChoice },
): Composed | undefined {
  const branch = getBranch(forge, branchId);
  const repo = getRepo(forge, branch.repoId);
  const account = getAccount(forge, mail.accountId);
  const reader = { account, scope: 'read', credential: 'mail', address: '' } as const;
  const reasons = listReasons(forge.db, { accountId: account.id, branchId });
  if (reasons.length === 0 || rightOn(forge, reader, repo) === 'none') return undefined;
  const origin = publicOrigin(forge.config);
  const { host } = new URL(origin);
  const name = fullName(repo);
  const url = `${origin}/${name}/branches/${branch.number}`;
  const stop = `${origin}/account/mail/stop/${secretOf(forge, 'stop', choice)}`;
  const title = plain(branch.title);
  const lines = reasons.map((reason) => plain(reasonText(reason)));
  const root = `<branch-${branch.id}@${domainOf(host)}>`;
  const message: SendMailOptions = {
    ...head(forge, mail, choice),
    subject: `[${name}] ${title} (#${branch.number})`,
    text: [
      ...lines.map((line) => `${line}.`),
      `${title}\n${url}`,
      `-- \nTo be told of less: ${origin}/account/mail\nTo get no mail any more: ${stop}`,
    ].join('\n\n'),
    html: [
      ...lines.map((line) => `<p>${escaped(line)}.</p>`),
      `<p><a href="${escaped(url)}">${escaped(`${name} #${branch.number}`)}</a> ${escaped(title)}</p>`,
      `<hr><p><small><a href="${escaped(origin)}/account/mail">Be told of less</a> · <a href="${escaped(stop)}">Get no mail any more</a></small></p>`,
    ].join('\n'),
    // Every mail of a branch answers one that was never sent, so that mail programs show them as one conversation.
    inReplyTo: root,
    references: root,
    list: {
      id: { url: `${repo.name}.${repo.owner}.${domainOf(host)}`, comment: name },
      unsubscribe: { url: stop },
    },
  };
  return { message: withOneClick(message), reasons };
}

const withOneClick = (message: SendMailOptions): SendMailOptions => ({
  ...message,
  headers: {
    ...(message.headers as Record<string, string>),
    'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
  },
});

/** The identity is that of the row: a mail that is sent twice, for its answer was lost, is one to mail programs. */
function head(forge: Forge, mail: Mail, choice: MailChoice): SendMailOptions {
  const host = domainOf(new URL(publicOrigin(forge.config)).host);
  return {
    from: forge.config.mail.from,
    to: choice.address,
    messageId: `<mail-${mail.id}@${host}>`,
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
  };
}

const domainOf = (host: string): string => host.replace(/:\d+$/, '').replace(/[^A-Za-z0-9.-]/g, '-');

const plain = (text: string): string =>
  text
    .replace(/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, 300);

const signs: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text: string): string => text.replace(/[&<>"]/g, (sign) => signs[sign] ?? sign);
