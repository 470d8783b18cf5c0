// What needs whoever is signed in, the newest first; and taking it out again.
import { dismissView, inboxView, type DismissView, type InboxEntryView } from '../../inbox/model.ts';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import type { Client } from '../client.ts';
import { wrongUse } from '../failure.ts';
import { cleanLine, printJson, stderr, stdout } from '../output.ts';
import { findForge } from '../place.ts';

export interface InboxOptions {
  dismiss?: string[];
  dismissAll?: boolean;
  json?: boolean;
}

export async function inbox({ dismiss, dismissAll, json }: InboxOptions): Promise<ExitStatus> {
  if (dismiss !== undefined && dismissAll) throw wrongUse('Give --dismiss or --dismiss-all, not both.');
  const branches = dismiss?.flatMap((names) => names.split(/\s+/)).map(readName);
  const client = await findForge();
  if (dismissAll) return answerDismissed(await send(client, { all: true }), json);
  if (branches !== undefined) return answerDismissed(await send(client, { branches }), json);
  const answer = await client.get('/inbox', { answer: inboxView });
  if (json) printJson(answer);
  else if (answer.entries.length === 0) stderr.line('Nothing needs you.');
  else {
    for (const entry of answer.entries) printEntry(entry);
    if (answer.next !== null) stderr.line(`There is more: ${client.origin}/inbox`);
  }
  return exitStatus.done;
}

const send = (client: Client, body: object): Promise<DismissView> =>
  client.post('/inbox/dismiss', body, dismissView);

function answerDismissed(answer: DismissView, json: boolean | undefined): ExitStatus {
  if (json) printJson(answer);
  else stdout.line(`${answer.dismissed} dismissed, ${answer.unread} unread left`);
  return exitStatus.done;
}

/** An unread entry has a star in front of it, so that it is seen without colours too. */
function printEntry({ repo, number, title, unread, reasons }: InboxEntryView): void {
  const name = `${cleanLine(repo)}#${number}`;
  stdout.line(`${unread ? '*' : ' '} ${stdout.paint('bold', name)}  ${cleanLine(title)}`);
  for (const { text } of reasons) stdout.line(`    ${cleanLine(text)}`);
}

function readName(text: string): { repo: string; number: number } {
  const [, repo, number] = /^([^/\s#]+\/[^/\s#]+)#(\d{1,9})$/.exec(text) ?? [];
  if (repo === undefined || number === undefined) {
    throw wrongUse(`"${text}" is no branch of a repository; write owner/name#number, as ph inbox does.`);
  }
  return { repo, number: Number(number) };
}
