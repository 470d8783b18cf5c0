// The logs of lanes that run elsewhere, open for what comes in. The bytes come masked and cut to size; here they are
// given their lines, so that nothing of what a node says about its own log is believed.
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { logFolder } from '../lanes/launch.ts';
import { LogFile } from '../logs/log-file.ts';
import type { AwayLane } from './agent-store.ts';
import { whenLaneEnds } from './when-lane-ends.ts';

/** What the node writes into the log beside the output: the head, notes, and the mark of what is left out. */
const slackBytes = 1024 * 1024;

export class AgentLogs {
  readonly #forge: Forge;
  readonly #open = new Map<string, LogFile>();
  readonly #off: () => void;

  constructor(forge: Forge) {
    this.#forge = forge;
    // A claim that was lost, or ended without its program, brings nothing more.
    this.#off = whenLaneEnds(forge, (attemptId) => this.close(attemptId));
  }

  /** The bytes of the log by now. Refuses a gap (`conflict`), and more than a log may have (`too_large`). */
  append(lane: AwayLane, offset: number, bytes: Buffer): number {
    const log = this.#logOf(lane);
    const known = log.bytes - offset;
    if (known < 0) {
      throw new ForgeError('conflict', `The log has ${log.bytes} bytes; send it from there.`, {
        details: { size: log.bytes },
      });
    }
    const fresh = bytes.subarray(Math.min(known, bytes.length));
    const most = this.#forge.config.ci.maxLogBytes + slackBytes;
    if (log.bytes + fresh.length > most)
      throw new ForgeError('too_large', `A log has at most ${most} bytes here.`);
    log.write(fresh);
    if (!log.isCutShort) return log.bytes;
    // It is opened anew by whoever sends the rest once there is room.
    this.close(lane.attemptId);
    throw new ForgeError('unavailable', 'The disk of the forge is full; send it again later.');
  }

  /** The bytes that are here. */
  size(lane: AwayLane): number {
    return this.#logOf(lane).bytes;
  }

  close(attemptId: number): void {
    for (const [name, log] of this.#open) {
      if (!name.startsWith(`${attemptId}-`)) continue;
      this.#open.delete(name);
      log.close();
    }
  }

  stop(): void {
    this.#off();
    for (const log of this.#open.values()) log.close();
    this.#open.clear();
  }

  #logOf({ attemptId, token }: AwayLane): LogFile {
    const name = `${attemptId}-${token}`;
    let log = this.#open.get(name);
    if (log === undefined) {
      const folder = logFolder(this.#forge, { attemptId, token });
      // The forge may have been started anew since the lane began.
      log = new LogFile(folder, 2 * (this.#forge.config.ci.maxLogBytes + slackBytes), { goesOn: true });
      this.#open.set(name, log);
    }
    return log;
  }
}
