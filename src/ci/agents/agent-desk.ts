// What the forge does for a program that runs a lane elsewhere: gives it the claim, hears that it lives, and takes its
// result. All of it is fenced by the token of the claim, and ends in the same reports as those of a lane thread.
import { basename } from 'node:path';
import { readClusterMark } from '../../forge/cluster-mark.ts';
import type { Forge } from '../../forge/open.ts';
import { errorMessage, ForgeError } from '../../lib/errors.ts';
import { hashSecret } from '../../lib/secrets.ts';
import type { LaneRef, Reports } from '../lanes/executor.ts';
import { tiers } from '../lanes/lane-message.ts';
import { awayCookie, submissionOf } from '../lanes/launch.ts';
import { claimOffered } from '../scheduler/claim-offered.ts';
import { withTests } from '../tests/read-reports.ts';
import {
  agentOfCredential,
  agentOfSession,
  laneOfSession,
  lost,
  stands,
  type HeldLane,
} from './agent-credential.ts';
import { ownerOfAgent } from './agent-owner.ts';
import { AgentLogs } from './agent-logs.ts';
import {
  laneOrder,
  type BeatView,
  type ClaimRequest,
  type LaneOrder,
  type ResultRequest,
} from './agent-message.ts';
import { findAwayLane, markClaimed, markTold, type AgentRow } from './agent-store.ts';
import { ReceivedFiles } from './received-files.ts';
import { checkedResult } from './checked-result.ts';

export class AgentDesk {
  readonly logs: AgentLogs;
  readonly files: ReceivedFiles;
  readonly #forge: Forge;
  readonly #reports: Reports;
  readonly #finishing = new Map<string, Promise<void>>();

  constructor(forge: Forge, reports: Reports) {
    this.#forge = forge;
    this.#reports = reports;
    this.logs = new AgentLogs(forge);
    this.files = new ReceivedFiles(forge);
  }

  /**
   * The lane of a credential, to the first program that asks. Refuses (`conflict`) every other one, and when nobody wants
   * the lane any more.
   */
  claim(credential: string | undefined, request: ClaimRequest): LaneOrder {
    const agent = agentOfCredential(this.#forge, credential);
    const session = hashSecret(request.session);
    if (agent.sessionHash !== null) return this.#claimAgain(agent, session);
    const { attemptId, credentialHash: hash } = agent;
    const { node, sandbox } = request;
    const owner = ownerOfAgent(request);
    const claim = claimOffered(this.#forge, { attemptId, owner, sandbox: sandbox ?? 'none' });
    if (claim === undefined) throw refused();
    markClaimed(this.#forge.db, { hash, session, token: claim.token, now: this.#forge.clock.now() });
    if (sandbox !== null) return this.#orderOf(claim);
    this.#fail(claim, `${node || 'its node'} has no sandbox that is permitted; install bubblewrap there`);
    throw refused();
  }

  /** The answer to the first request was lost on its way. */
  #claimAgain(agent: AgentRow, session: string): LaneOrder {
    const lane = findAwayLane(this.#forge.db, agent.attemptId);
    if (agent.sessionHash !== session || lane === undefined || !stands(lane, agent)) throw refused();
    return this.#orderOf(lane);
  }

  /** Refuses (`conflict`) when the claim is lost. */
  beat(session: string | undefined): BeatView {
    const lane = laneOfSession(this.#forge, session);
    if (!this.#reports.heartbeat(refOf(lane), this.logs.size(lane))) throw lost();
    const stop = lane.state === 'cancelling' ? 'cancelled' : null;
    return { leaseMs: this.#forge.config.ci.leaseSeconds * 1000, stop };
  }

  /** Adds to the log; answers how many bytes it has now. */
  append(session: string | undefined, offset: number, bytes: Buffer): number {
    const lane = laneOfSession(this.#forge, session);
    const size = this.logs.append(lane, offset, bytes);
    this.#reports.output(refOf(lane), size);
    return size;
  }

  /** Ends the lane. Refuses (`conflict`) when the claim is lost; asking again after it was taken is not refused. */
  async finish(session: string | undefined, request: ResultRequest): Promise<void> {
    const agent = agentOfSession(this.#forge, session);
    if (agent.toldAt !== null) return;
    const { credentialHash: name } = agent;
    const finishing = this.#finishing.get(name) ?? this.#finish(laneOfSession(this.#forge, session), request);
    this.#finishing.set(name, finishing);
    await finishing.finally(() => this.#finishing.delete(name));
  }

  stop(): void {
    this.logs.stop();
    this.files.stop();
  }

  async #finish(lane: HeldLane, { result: given, folder }: ResultRequest): Promise<void> {
    const ref = refOf(lane);
    const submission = submissionOf(this.#forge, ref);
    const result = await checkedResult(this.#forge, submission, given);
    const tier = tiers.find((name) => name === lane.sandbox) ?? 'none';
    const tested = await withTests({ ...submission, tier, folder }, result);
    const now = findAwayLane(this.#forge.db, lane.attemptId);
    const isStanding = now !== undefined && stands(now, lane.agent);
    // Also of a lost claim: what it left here is removed then.
    this.#reports.finished(ref, isStanding ? this.logs.size(lane) : 0, tested);
    this.logs.close(lane.attemptId);
    if (!isStanding) throw lost();
    markTold(this.#forge.db, { hash: lane.agent.credentialHash, now: this.#forge.clock.now() });
  }

  #orderOf(claim: LaneRef): LaneOrder {
    const { attemptId, laneId, runId, token } = claim;
    try {
      const submission = submissionOf(this.#forge, { attemptId, laneId, runId, token });
      const known = Object.entries(submission).filter(([name]) => name in laneOrder.shape);
      const scopes = [submission.cacheFolder, ...submission.readableCaches].map((path) => basename(path));
      const cookie = awayCookie(readClusterMark(this.#forge.config), claim);
      return laneOrder.parse({ ...Object.fromEntries(known), cookie, cacheScopes: [...new Set(scopes)] });
    } catch (error) {
      this.#fail(claim, errorMessage(error));
      throw refused();
    }
  }

  #fail(lane: LaneRef, message: string): void {
    this.#reports.finished(lane, 0, { outcome: 'failed', failureKind: 'infrastructure', message });
  }
}

const refOf = ({ attemptId, laneId, runId, token }: HeldLane): LaneRef => ({
  attemptId,
  laneId,
  runId,
  token,
});

const refused = (): ForgeError =>
  new ForgeError(
    'conflict',
    'This lane is not to be run: somebody else runs it, or nobody wants it any more.',
  );
