// A program on a machine without a browser asks to be signed in; a person who is signed in anywhere approves it by the
// code that both show (as in RFC 8628). What the program keeps is a secret that only it knows.
import { randomInt } from 'node:crypto';
import type { Forge } from '../forge/open.ts';
import { publicOrigin } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { hashSecret, newSecret } from '../lib/secrets.ts';
import { getActiveAccount } from './find.ts';
import type { Account, TokenScope } from './model.ts';
import { createProgramToken } from './sign-in.ts';
import {
  claimApproval,
  countApprovals,
  decideApprovalRow,
  findApprovalByCode,
  findApprovalByHash,
  insertApproval,
  type ApprovalRow,
} from './store-approvals.ts';

const openMs = 10 * 60_000;
const maxOpen = 1000;
const maxOpenPerAddress = 20;
// No vowels and nothing that looks like another letter: it is read from one screen to another.
const letters = 'BCDFGHJKLMNPQRSTVWXZ';

export interface Approval {
  /** Known to the program alone. */
  secret: string;
  /** What both sides show, e.g. `BCDF-GHJK`. */
  code: string;
  url: string;
  /** UTC milliseconds. */
  expiresAt: number;
}

/** Begins; refuses (`limited`) when too many are open, from one address or in all. */
export function startApproval(
  forge: Forge,
  from: { program: string; address: string; scope?: TokenScope },
): Approval {
  const now = forge.clock.now();
  const open = countApprovals(forge.db, { now, address: from.address });
  if (open.fromAddress >= maxOpenPerAddress || open.inAll >= maxOpen) {
    throw new ForgeError(
      'limited',
      'Too many sign-ins are waiting to be approved. Try again in ten minutes.',
    );
  }
  const secret = newSecret('approval');
  const code = newCode();
  const expiresAt = now + openMs;
  insertApproval(forge.db, { scope: 'write', ...from, hash: hashSecret(secret), code, now, expiresAt });
  return { secret, code, url: `${publicOrigin(forge.config)}/login/approve?code=${code}`, expiresAt };
}

/** Who asks under the code; refuses (`not_found`) a code that nobody waits with. */
export function readApproval(forge: Forge, code: string): ApprovalRow {
  const row = findApprovalByCode(forge.db, { code: tidy(code), now: forge.clock.now() });
  if (row !== undefined) return row;
  throw new ForgeError(
    'not_found',
    `Nobody waits with the code ${tidy(code).slice(0, 20)}: it was mistyped, or is over.`,
  );
}

export function decideApproval(
  forge: Forge,
  decision: { code: string; accountId: number; isApproved: boolean },
): void {
  const { hash } = readApproval(forge, decision.code);
  const state = decision.isApproved ? 'approved' : 'denied';
  const isDecided = decideApprovalRow(forge.db, {
    hash,
    state,
    accountId: decision.accountId,
    now: forge.clock.now(),
  });
  if (!isDecided) throw new ForgeError('conflict', 'This sign-in was decided already.');
  forge.events.emit('sign-in-decided', { hash });
}

export type ApprovalAnswer =
  | { state: 'waiting' }
  | { state: 'denied' }
  | { state: 'approved'; token: string; account: Account };

/** What came of it, once: an approval becomes a token for the first who asks. Refuses (`not_found`) what is over. */
export function takeApproval(forge: Forge, secret: string): ApprovalAnswer {
  const now = forge.clock.now();
  const hash = hashSecret(secret);
  return forge.db.transaction(() => {
    const row = findApprovalByHash(forge.db, { hash, now });
    if (row === undefined || row.state === 'taken') {
      throw new ForgeError('not_found', 'This sign-in is over. Start it anew.');
    }
    if (row.state !== 'approved' || row.accountId === null) {
      return { state: row.state === 'denied' ? 'denied' : 'waiting' };
    }
    claimApproval(forge.db, hash);
    const account = getActiveAccount(forge, row.accountId);
    return { state: 'approved', token: createProgramToken(forge, account.id, row.scope), account };
  });
}

/** As `takeApproval`, but waits for a decision for at most `seconds`. */
export async function waitForApproval(
  forge: Forge,
  wait: { secret: string; seconds: number; signal: AbortSignal },
): Promise<ApprovalAnswer> {
  const hash = hashSecret(wait.secret);
  const { promise, resolve } = Promise.withResolvers<void>();
  // Listens first and looks second, so that a decision in between is not missed.
  const off = forge.events.on('sign-in-decided', (fact) => {
    if (fact.hash === hash) resolve();
  });
  const timer = setTimeout(resolve, Math.min(wait.seconds, forge.config.limits.waitSeconds) * 1000);
  wait.signal.addEventListener('abort', () => resolve());
  try {
    const answer = takeApproval(forge, wait.secret);
    if (answer.state !== 'waiting' || wait.signal.aborted) return answer;
    await promise;
    return wait.signal.aborted ? answer : takeApproval(forge, wait.secret);
  } finally {
    clearTimeout(timer);
    off();
  }
}

function newCode(): string {
  const four = () => Array.from({ length: 4 }, () => letters[randomInt(letters.length)]).join('');
  return `${four()}-${four()}`;
}

/** `bcdfghjk` and `BCDF GHJK` are the code as well. */
function tidy(code: string): string {
  const plain = code.toUpperCase().replaceAll(/[^A-Z]/g, '');
  return `${plain.slice(0, 4)}-${plain.slice(4)}`;
}
