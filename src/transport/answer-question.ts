// What whoever serves a client of SSH may ask: the SSH process over its line, the local front directly.
import { findCallerByKey } from '../accounts/find.ts';
import { isKnownKey } from '../accounts/known-key.ts';
import type { Caller } from '../accounts/model.ts';
import type { Forge } from '../forge/open.ts';
import { diskFullError, isDiskFull } from '../lib/disk-full.ts';
import { ForgeError } from '../lib/errors.ts';
import { answerCommand, answerLfs } from './answer-command.ts';
import type { Desk } from './desk.ts';
import type { AnswerTo, Identity, Question } from './model.ts';

/** Refuses with a sentence for the user; `signal` says that the client has gone. */
export async function answerQuestion<Asked extends Question>(
  parts: { forge: Forge; desk: Desk },
  question: Asked,
  signal: AbortSignal,
): Promise<AnswerTo<Asked['kind']>> {
  return (await answer(parts, question, signal)) as AnswerTo<Asked['kind']>;
}

async function answer(
  { forge, desk }: { forge: Forge; desk: Desk },
  question: Question,
  signal: AbortSignal,
): Promise<AnswerTo<Question['kind']>> {
  if (question.kind === 'known') return isKnownKey(forge, question.key);
  if (question.kind === 'identify') return findCaller(forge, question.identity) !== undefined;
  if (question.kind === 'check') return desk.check(question);
  if (question.kind === 'ring') return desk.ring(question.serviceId);
  if (question.kind === 'refuse') return desk.refuse(question.serviceId, question.sentence);
  if (question.kind === 'farewell') return desk.farewell(question.serviceId);
  const caller = findCaller(forge, question.identity);
  // The key was known at sign-in; it may have been taken away while the connection stayed open.
  if (caller === undefined)
    throw new ForgeError('unauthenticated', 'This key is no longer known to the forge.');
  if (question.kind === 'command') return answerCommand(forge, caller, question.name);
  if (question.kind === 'lfs') return answerLfs(forge, caller, question);
  if (question.kind === 'shell') {
    if (caller.onlyRepo !== undefined) {
      throw new ForgeError('forbidden', 'A deploy key fetches and pushes, and opens no shell.');
    }
    const lookAgain = () => findCaller(forge, question.identity);
    return desk.openShell({ ...question.wanted, caller, lookAgain }, signal);
  }
  return desk.open({ ...question, caller }, signal);
}

const findCaller = (forge: Forge, { key, address }: Identity): Caller | undefined =>
  findCallerByKey(forge, { blob: key, address });

/** The sentence of a refusal; what is none is logged, and the user is told that it was. */
export function sentenceOf(forge: Forge, error: unknown): string {
  if (error instanceof ForgeError) return error.message;
  if (isDiskFull(error)) return diskFullError(error).message;
  forge.log.error({ err: error }, 'a git request failed');
  return 'The forge met an error it did not expect. It was logged; try again.';
}
