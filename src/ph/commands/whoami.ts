import { accountView } from '../../accounts/model.ts';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { cleanLine, printJson, stdout } from '../output.ts';
import { findForge } from '../place.ts';

export async function whoami(options: { json?: boolean }): Promise<ExitStatus> {
  const client = await findForge();
  const account = await client.get('/whoami', { answer: accountView });
  if (options.json) printJson({ ...account, forge: client.origin });
  else stdout.line(`${cleanLine(account.name)} (${account.role}) at ${client.origin}`);
  return exitStatus.done;
}
