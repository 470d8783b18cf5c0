// Who is named with @NAME in a text: accounts of the forge that may see what the text is about.
import { findAccountByName } from '../accounts/find.ts';
import type { Account } from '../accounts/model.ts';
import type { Forge } from '../forge/open.ts';
import type { Repo } from '../repos/model.ts';
import { rightOn } from '../repos/rights.ts';

const maxMentions = 20;
const named = /(?<![\w@./-])@([a-z0-9](?:[a-z0-9-]{0,37}[a-z0-9])?)(?![\w-])/gi;
const code = /```[^`]*```|`[^`\n]*`/g;

/** The names that stand behind an @ outside of code, each once, whether or not somebody has them. */
export function namesIn(text: string): string[] {
  const names = [...text.replaceAll(code, ' ').matchAll(named)].map((match) =>
    (match[1] ?? '').toLowerCase(),
  );
  return [...new Set(names)].slice(0, maxMentions);
}

/** The accounts that a text names; whoever may not read the repository is not told of it. */
export function mentionedIn(forge: Forge, repo: Repo, text: string): Account[] {
  return namesIn(text)
    .map((name) => findAccountByName(forge, name))
    .filter((account) => account !== undefined)
    .filter((account) => mayBeTold(forge, repo, account));
}

/** Whether somebody is there to be told, and may read the repository. */
export function mayBeTold(forge: Forge, repo: Repo, account: Account): boolean {
  if (account.disabledAt !== undefined || account.kind === 'system') return false;
  const caller = { account, scope: 'read' as const, credential: 'mention', address: '' };
  return rightOn(forge, caller, repo) !== 'none';
}
