// The credential with which one attempt may be run away from the forge. It is used up by the first program that takes the
// claim with it; from then on that program is known by a secret of its own, so that a second copy, which a scheduler
// may start, is refused although it has the same credential.
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { hashSecret, newSecret } from '../../lib/secrets.ts';
import {
  deleteOldAgents,
  deleteUnusedAgents,
  findAgentByCredential,
  findAgentBySession,
  findAwayLane,
  insertAgent,
  type AgentRow,
  type AwayLane,
} from './agent-store.ts';

const keepMs = 24 * 60 * 60 * 1000;

/** A new credential; one that was issued before for the attempt and that nobody used is void. */
export function issueAgentCredential(forge: Forge, attemptId: number): string {
  const credential = newSecret('pikaagent');
  const now = forge.clock.now();
  forge.db.transaction(() => {
    deleteUnusedAgents(forge.db, attemptId);
    deleteOldAgents(forge.db, now - keepMs);
    insertAgent(forge.db, { hash: hashSecret(credential), attemptId, now });
  });
  return credential;
}

/** From now on nobody takes the claim of the attempt with the credential; who has taken it is not affected. */
export const revokeAgentCredential = (forge: Forge, attemptId: number): void =>
  deleteUnusedAgents(forge.db, attemptId);

/** Refuses (`unauthenticated`) who has neither a credential nor taken a claim with one. */
export function requireAgent(forge: Forge, secret: string | undefined): void {
  const hash = hashSecret(secret ?? '');
  if (findAgentBySession(forge.db, hash) ?? findAgentByCredential(forge.db, hash)) return;
  throw new ForgeError(
    'unauthenticated',
    'This needs the credential of a lane, and this is none, or none any more.',
  );
}

/** Refuses (`unauthenticated`) what is no credential, or one that was taken back. */
export function agentOfCredential(forge: Forge, credential: string | undefined): AgentRow {
  const agent = credential && findAgentByCredential(forge.db, hashSecret(credential));
  if (!agent) throw new ForgeError('unauthenticated', 'This is no credential for a lane, or not any more.');
  return agent;
}

export interface HeldLane extends AwayLane {
  agent: AgentRow;
}

/** The program that a secret belongs to, whatever became of its lane. */
export function agentOfSession(forge: Forge, session: string | undefined): AgentRow {
  const agent = session && findAgentBySession(forge.db, hashSecret(session));
  if (!agent) throw new ForgeError('unauthenticated', 'No lane is held by this program.');
  return agent;
}

/** The lane that a program holds. Refuses (`conflict`) when it has lost it; then it must end, and tell nothing. */
export function laneOfSession(forge: Forge, session: string | undefined): HeldLane {
  const agent = agentOfSession(forge, session);
  const lane = findAwayLane(forge.db, agent.attemptId);
  if (lane === undefined || !stands(lane, agent)) throw lost();
  return { ...lane, agent };
}

export const stands = (lane: AwayLane, { token }: Pick<AgentRow, 'token'>): boolean =>
  lane.token === token && (lane.state === 'running' || lane.state === 'cancelling');

export const lost = (): ForgeError =>
  new ForgeError(
    'conflict',
    'This claim is lost: the lane was given to somebody else, or it has ended. End it here.',
  );
