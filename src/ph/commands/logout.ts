import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { Client } from '../client.ts';
import { Failure, notFound } from '../failure.ts';
import { printJson, stderr, stdout } from '../output.ts';
import { findForge } from '../place.ts';
import { forgetSignIn, originOf } from '../session.ts';

/** Forgets the sign-in here in any case, and takes the token back on the forge when it answers. */
export async function logout(url: string | undefined, options: { json?: boolean }): Promise<ExitStatus> {
  const origin = url === undefined ? (await findForge()).origin : originOf(url);
  const gone = forgetSignIn(origin);
  if (gone === undefined) throw notFound(`You are not signed in to ${origin}.`);
  let revoked = true;
  try {
    await new Client(gone.origin, gone.token).remove('/sessions/current');
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    // A token that the forge does not know any more needs no taking back.
    revoked = error.status === exitStatus.notAllowed;
  }
  if (options.json) printJson({ forge: origin, revoked });
  else stdout.line(`signed out of ${origin}`);
  if (!revoked) stderr.line(`ph: ${origin} did not take the token back; remove it on your account page.`);
  return exitStatus.done;
}
