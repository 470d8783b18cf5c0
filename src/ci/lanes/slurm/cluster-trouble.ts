// Why a target takes no lane for now: its cluster does not answer, or refuses what the target asks for. Its lanes wait
// with these words; nothing of them fails for it.
import type { Forge } from '../../../forge/open.ts';

interface Trouble {
  words: string;
  /** Of a refusal; a cluster that does not answer is asked by every pass. */
  until: number | undefined;
  refusals: number;
}

export class ClusterTrouble {
  readonly #forge: Forge;
  readonly #wakeScheduler: () => void;
  readonly #targets = new Map<string, Trouble>();

  constructor(forge: Forge, wakeScheduler: () => void) {
    this.#forge = forge;
    this.#wakeScheduler = wakeScheduler;
  }

  of(target: string): string | undefined {
    const trouble = this.#targets.get(target);
    if (trouble === undefined) return undefined;
    return trouble.until !== undefined && trouble.until <= this.#forge.clock.now()
      ? undefined
      : trouble.words;
  }

  /** Whether a pass has to ask although it has no lanes. */
  isSilent(target: string): boolean {
    const trouble = this.#targets.get(target);
    return trouble !== undefined && trouble.until === undefined;
  }

  /** The words for a cluster that does not answer, when there is one. */
  silence(): string | undefined {
    return [...this.#targets.values()].find(({ until }) => until === undefined)?.words;
  }

  silent(target: string, words: string): void {
    if (!this.isSilent(target)) this.#forge.log.warn({ target, words }, 'Slurm does not answer');
    this.#targets.set(target, { words: `Slurm does not answer: ${words}`, until: undefined, refusals: 0 });
    this.#wakeScheduler();
  }

  answers(target: string): void {
    if (!this.isSilent(target)) return;
    this.#targets.delete(target);
    this.#wakeScheduler();
  }

  refused(target: string, words: string): void {
    const { retrySeconds, maxRetrySeconds } = this.#forge.config.ci.slurm;
    const refusals = (this.#targets.get(target)?.refusals ?? 0) + 1;
    const restMs = Math.min(retrySeconds * 2 ** (refusals - 1), maxRetrySeconds) * 1000;
    const until = this.#forge.clock.now() + restMs;
    const at = new Date(until).toISOString().slice(11, 19);
    this.#targets.set(target, {
      words: `Slurm refuses lanes of ${target}: ${words}; tried again at ${at} UTC`,
      until,
      refusals,
    });
    this.#forge.log.warn({ target, words }, 'Slurm refused a lane');
    this.#wakeScheduler();
  }

  took(target: string): void {
    this.#targets.delete(target);
  }
}
