// One lane on a node: it is run by the same code as in a thread of the forge, and what it says and leaves behind goes to the
// forge over HTTP. A claim that is lost, or that the forge did not confirm in time, ends it, and nothing is told.
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { errorMessage } from '../../../lib/errors.ts';
import type { LaneResult, StartMessage } from '../../lanes/lane-message.ts';
import { RunningLane } from '../../lanes/running-lane.ts';
import { logName } from '../../logs/log-file.ts';
import { beatView } from '../agent-message.ts';
import { agentExits } from '../agent-start.ts';
import { bringCache, bringCommit } from './bring.ts';
import { ClaimRefused, Unreachable, type ForgeLink } from './forge-link.ts';
import type { Lease } from './lease.ts';
import type { NodeFolders } from './node-folders.ts';
import { sendYield } from './send-yield.ts';
import { LogShipment } from './ship-log.ts';

const askMs = 5000;
const breathMs = 250;

export interface AwayLaneParts {
  start: StartMessage;
  cacheScopes: readonly string[];
  folders: NodeFolders;
  link: ForgeLink;
  lease: Lease;
}

export class AwayLane {
  readonly #parts: AwayLaneParts;
  readonly #lane: RunningLane;
  readonly #log: LogShipment;
  #beating: Promise<void> | undefined;
  #hasEnded = false;
  readonly #toldToEnd = Promise.withResolvers<true>();

  constructor(parts: AwayLaneParts) {
    this.#parts = parts;
    const { start, folders, link, lease } = parts;
    this.#log = new LogShipment(link, {
      path: join(folders.log, logName),
      signal: lease.signal,
      onLost: (error) => this.#hearOf(error),
    });
    const signals = { output: (bytes: number) => this.#log.grew(bytes), heartbeat: () => undefined };
    this.#lane = new RunningLane(start, signals, this.#supply());
    this.#lane.extendLease(lease.leftMs);
    lease.signal.addEventListener('abort', () => this.#lane.stop('lost'));
  }

  /** The exit status of the program. */
  async run(): Promise<number> {
    const beats = setInterval(() => void this.#beat(), this.#parts.start.heartbeatMs);
    try {
      const result = await this.#exceptEndedBySignal(await this.#runLane());
      this.#hasEnded = true;
      if (result.cause === 'lost') return this.#lostExit();
      await this.#deliver(result);
      return agentExits.told;
    } catch (error) {
      if (error instanceof ClaimRefused) return agentExits.refused;
      if (error instanceof Unreachable) return this.#lostExit();
      throw error;
    } finally {
      clearInterval(beats);
      this.#parts.lease.end();
    }
  }

  /**
   * Somebody wants the program to end. The forge knows whether the lane was cancelled; else it is to run again elsewhere. Once
   * the lane has ended by itself, what is left is to tell that.
   */
  async endEarly(): Promise<void> {
    if (this.#hasEnded) return;
    this.#toldToEnd.resolve(true);
    const patience = new AbortController();
    await Promise.race([this.#beat(), delay(askMs, undefined, { signal: patience.signal })]).catch(
      () => undefined,
    );
    patience.abort();
    this.#lane.stop('requeue');
  }

  /**
   * Who ends the agent from outside (a person at the cluster, its time limit) ends the lane's programs with it: their failure
   * is no verdict. Both signals are sent in one breath, and may be heard in any order.
   */
  async #exceptEndedBySignal(result: LaneResult): Promise<LaneResult> {
    if (result.failureKind !== 'test_failure') return result;
    const breath = new AbortController();
    const silence = delay(breathMs, false, { signal: breath.signal }).catch(() => false);
    const isToldToEnd = await Promise.race([this.#toldToEnd.promise, silence]);
    breath.abort();
    return isToldToEnd ? { outcome: 'stopped', cause: 'requeue' } : result;
  }

  async #runLane(): Promise<LaneResult> {
    try {
      return await this.#lane.run();
    } catch (error) {
      return { outcome: 'failed', failureKind: 'infrastructure', message: errorMessage(error) };
    }
  }

  async #deliver(result: LaneResult): Promise<void> {
    const { start, folders, link, lease } = this.#parts;
    await this.#log.finish(this.#lane.logBytes);
    const { signal } = lease;
    const kept = await sendYield(result, { start, link, signal });
    const message = result.cause === 'requeue' ? 'its node was told to end it' : result.message;
    const told = message === undefined ? kept : { ...kept, message: message.slice(0, maxMessage) };
    await link.json('result', { json: { result: told, folder: folders.lane }, timeoutMs: tellMs, signal });
  }

  #beat(): Promise<void> {
    this.#beating ??= this.#askForTime()
      .catch((error: unknown) => this.#hearOf(error))
      .finally(() => (this.#beating = undefined));
    return this.#beating;
  }

  async #askForTime(): Promise<void> {
    const { link, lease } = this.#parts;
    const askedAt = performance.now();
    const { leaseMs, stop } = beatView.parse(await link.json('heartbeat', { signal: lease.signal }));
    lease.extend(leaseMs, askedAt);
    this.#lane.extendLease(lease.leftMs);
    if (stop !== null) this.#lane.stop(stop);
  }

  /** Silence of the forge is no loss of the claim: that ends with the lease. */
  #hearOf(error: unknown): void {
    if (error instanceof ClaimRefused) this.#parts.lease.lose();
    else if (!(error instanceof Unreachable)) process.stderr.write(`pika-agent: ${errorMessage(error)}\n`);
  }

  #lostExit(): number {
    return this.#parts.lease.isLost ? agentExits.refused : agentExits.unreachable;
  }

  #supply() {
    const { start, cacheScopes: scopes, folders, link } = this.#parts;
    const { searchPath, cookie, maxCacheBytes: maxBytes } = start;
    return {
      commit: (signal: AbortSignal) => bringCommit(folders.source, { link, signal, searchPath, cookie }),
      cache: (key: string, paths: readonly string[], signal: AbortSignal) =>
        bringCache(
          { key, paths, folder: folders.caches, scopes, maxBytes },
          { link, signal, searchPath, cookie },
        ),
    };
  }
}

const maxMessage = 4000;
/** The forge reads reports before it answers. */
const tellMs = 120_000;
