// The few commands of the forge over SSH: ssh -p PORT git@HOST help
import type { Caller } from '../accounts/model.ts';
import { requireAccount } from '../accounts/guard.ts';
import { createLoginLink } from '../accounts/sign-in.ts';
import { recordAudit } from '../accounts/audit.ts';
import { publicOrigin, type Forge } from '../forge/open.ts';
import { repoUrls } from '../repos/urls.ts';

export function answerCommand(forge: Forge, caller: Caller, name: 'help' | 'whoami' | 'login'): string {
  const account = caller.account?.name ?? 'nobody';
  if (name === 'whoami') return account;
  if (name === 'help') return help(forge, account);
  // A link without an account would make the first admin; that one is for the console alone.
  const { id } = requireAccount(caller, 'admin');
  recordAudit(forge, caller, { action: 'login.link', subject: account });
  return createLoginLink(forge, { accountId: id });
}

function help(forge: Forge, account: string): string {
  const { ssh } = repoUrls(forge, { owner: account, name: 'NAME' });
  return [
    `Hello ${account}, this is the git server of ${publicOrigin(forge.config)}. It has no shell.`,
    '',
    `  git push ${ssh} main    push a repository; it is created if it does not exist`,
    '  login     print a link that signs you in in a browser, once, within five minutes',
    '  whoami    print the name of your account',
    '  help      print this',
  ].join('\n');
}
