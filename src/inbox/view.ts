import type { Forge } from '../forge/open.ts';
import { publicOrigin } from '../forge/open.ts';
import { reasonText, type InboxEntry, type InboxEntryView } from './model.ts';
import { isoTime } from '../lib/iso-time.ts';

export const entryPath = ({ repo, number }: Pick<InboxEntry, 'repo' | 'number'>): string =>
  `/${repo}/branches/${number}`;

/** As pages of the forge show it: each reason is a sentence, and the newest one gives the mark. */
export const entryShown = (entry: InboxEntry) => ({
  ...entry,
  href: entryPath(entry),
  mark: markOf(entry),
  reasons: entry.reasons.map((reason) => ({ ...reason, text: reasonText(reason) })),
});

/** The icon and the state that colours it. */
function markOf({ state, reasons }: InboxEntry): { icon: string; state: string } {
  const kinds = reasons.map(({ kind }) => kind);
  if (kinds.includes('ci_failed') || kinds.includes('evicted')) return { icon: 'failed', state: 'failed' };
  if (kinds[0] === 'mentioned' || kinds[0] === 'commented') return { icon: 'comment', state };
  return { icon: state, state };
}

export const entryViewOf = (forge: Forge, entry: InboxEntry): InboxEntryView => ({
  repo: entry.repo,
  number: entry.number,
  title: entry.title,
  state: entry.state,
  url: `${publicOrigin(forge.config)}${entryPath(entry)}`,
  unread: entry.isUnread,
  at: isoTime(entry.at),
  reasons: entry.reasons.map((reason) => ({
    kind: reason.kind,
    text: reasonText(reason),
    by: reason.byName ?? null,
    at: isoTime(reason.at),
    unread: reason.isUnread,
  })),
});
