// The SQL of the credentials with which lanes run away from the forge.
import type { Db } from '../../db/open.ts';
import type { AttemptState } from '../model.ts';

export interface AgentRow {
  credentialHash: string;
  attemptId: number;
  sessionHash: string | null;
  token: number | null;
  toldAt: number | null;
}

export const insertAgent = (db: Db, agent: { hash: string; attemptId: number; now: number }): void =>
  void db.run(
    'INSERT INTO lane_agents (credential_hash, attempt_id, issued_at) VALUES (:hash, :attemptId, :now)',
    agent,
  );

/** Those that nobody has used. */
export const deleteUnusedAgents = (db: Db, attemptId: number): void =>
  void db.run('DELETE FROM lane_agents WHERE attempt_id = :attemptId AND session_hash IS NULL', {
    attemptId,
  });

/** Of claims that were taken before a time, and have ended or were lost since. */
export const deleteOldAgents = (db: Db, before: number): void =>
  void db.run(
    `DELETE FROM lane_agents
      WHERE claimed_at < :before
        AND NOT EXISTS (SELECT 1 FROM lane_attempts a
                         WHERE a.id = lane_agents.attempt_id AND a.token = lane_agents.token
                           AND a.state IN ('running', 'cancelling'))`,
    { before },
  );

const selectAgent = `SELECT credential_hash AS credentialHash, attempt_id AS attemptId, session_hash AS sessionHash, token,
         told_at AS toldAt FROM lane_agents`;

export const findAgentByCredential = (db: Db, hash: string): AgentRow | undefined =>
  db.get<AgentRow>(`${selectAgent} WHERE credential_hash = :hash`, { hash });

export const findAgentBySession = (db: Db, hash: string): AgentRow | undefined =>
  db.get<AgentRow>(`${selectAgent} WHERE session_hash = :hash`, { hash });

/** False: another program has used the credential. */
export const markClaimed = (
  db: Db,
  claim: { hash: string; session: string; token: number; now: number },
): boolean =>
  db.run(
    `UPDATE lane_agents SET session_hash = :session, token = :token, claimed_at = :now
      WHERE credential_hash = :hash AND session_hash IS NULL`,
    claim,
  ).changes === 1;

export const markTold = (db: Db, told: { hash: string; now: number }): void =>
  void db.run('UPDATE lane_agents SET told_at = :now WHERE credential_hash = :hash', told);

export interface AwayLane {
  attemptId: number;
  laneId: number;
  runId: number;
  repoId: number;
  headOid: string;
  token: number;
  state: AttemptState;
  sandbox: string | null;
}

export const findAwayLane = (db: Db, attemptId: number): AwayLane | undefined =>
  db.get<AwayLane>(
    `SELECT a.id AS attemptId, l.id AS laneId, r.id AS runId, r.repo_id AS repoId, r.head_oid AS headOid, a.token,
            a.state, a.sandbox
       FROM lane_attempts a JOIN lanes l ON l.id = a.lane_id JOIN runs r ON r.id = l.run_id
      WHERE a.id = :attemptId`,
    { attemptId },
  );
