// Where tutorials are written: a few at a time, each under a lease. A pass starts what is due and returns; whoever
// waits for a slow writer holds up neither the next pass nor the pages, which show the outline meanwhile.
import { getBranch, getRevision } from '../branches/find.ts';
import type { Branch, Revision } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import { errorMessage } from '../lib/errors.ts';
import { coverEveryHunk } from './coverage.ts';
import type { Tutorial, TutorialBody, WriterUsage } from './model.ts';
import { readInput } from './read-input.ts';
import {
  claimTutorial,
  finishTutorial,
  keepDraft,
  postponeTutorial,
  queueMissing,
  type TutorialClaim,
} from './store.ts';
import { keepCost } from './costs.ts';
import { outlineWriter } from './writers/outline.ts';
import { WriterFailure, type TutorialWriter, type WriterInput } from './writers/writer.ts';

// Reading the difference may take this long beside the writer itself.
const leaseMarginMs = 120_000;

interface Outcome {
  state: Extract<Tutorial['state'], 'ready' | 'failed'>;
  writer: string;
  body?: TutorialBody;
  message?: string;
  usage?: WriterUsage;
}

export class TutorialDesk {
  readonly #forge: Forge;
  readonly #writer: TutorialWriter;
  readonly #wake: () => void;
  readonly #writing = new Set<Promise<void>>();
  readonly #stopping = new AbortController();

  /** `wake` asks for the next pass: something ended. */
  constructor(forge: Forge, writer: TutorialWriter, wake: () => void = () => undefined) {
    this.#forge = forge;
    this.#writer = writer;
    this.#wake = wake;
  }

  /** Queues what has no tutorial, and starts as many as may be written at once. */
  pass(): void {
    const { db, clock, config } = this.#forge;
    const { concurrency, timeoutSeconds } = config.tutorials;
    // Of a pass, a power cut takes back only what is then written again.
    db.relaxedTransaction(() => queueMissing(db, clock.now()));
    while (this.#writing.size < concurrency && !this.#stopping.signal.aborted) {
      const now = clock.now();
      const leaseUntil = now + timeoutSeconds * 1000 + leaseMarginMs;
      const claim = db.relaxedTransaction(() => claimTutorial(db, { now, leaseUntil }));
      if (claim === undefined) return;
      const writing = this.#write(claim)
        .catch((error: unknown) => this.#forge.log.error({ err: error, ...claim }, 'a tutorial was lost'))
        .finally(() => {
          this.#writing.delete(writing);
          this.#wake();
        });
      this.#writing.add(writing);
    }
  }

  /** Resolves when nothing is being written. */
  async settled(): Promise<void> {
    while (this.#writing.size > 0) await Promise.all(this.#writing);
  }

  /** Ends what is being written; it is queued again at the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.settled();
  }

  async #write(claim: TutorialClaim): Promise<void> {
    const branch = getBranch(this.#forge, claim.branchId);
    try {
      const revision = getRevision(this.#forge, branch.id, claim.revision);
      const input = await readInput(this.#forge, branch, revision);
      const outline = await this.#outline(input);
      if (isWorthIt(this.#writer, branch, revision)) await this.#ask(claim, { branch, input, outline });
      else this.#finish(claim, branch, { state: 'ready', writer: outlineWriter.name, body: outline });
    } catch (error) {
      this.#forge.log.warn({ err: error, branch: branch.id }, 'a tutorial could not be written');
      const message = errorMessage(error);
      this.#finish(claim, branch, { state: 'failed', writer: outlineWriter.name, message });
    }
  }

  async #outline(input: WriterInput): Promise<TutorialBody> {
    const { body } = await outlineWriter.write(input, this.#stopping.signal);
    return coverEveryHunk(body, input.diff);
  }

  /** Asks the writer, with the outline on the page meanwhile, and in its place when the writer fails for good. */
  async #ask(
    claim: TutorialClaim,
    { branch, input, outline }: { branch: Branch; input: WriterInput; outline: TutorialBody },
  ): Promise<void> {
    const { name } = this.#writer;
    if (!keepDraft(this.#forge.db, { ...claim, body: outline })) return;
    this.#tell(claim, branch, 'running');
    try {
      const { body, usage } = await this.#writer.write(input, this.#stopping.signal);
      keepCost(this.#forge, { writer: name, usage });
      const told = usage === undefined ? {} : { usage };
      this.#finish(claim, branch, {
        state: 'ready',
        writer: name,
        body: coverEveryHunk(body, input.diff),
        ...told,
      });
    } catch (error) {
      // Whoever stops the forge did not make the writer fail; the claim is taken back at the next start.
      if (this.#stopping.signal.aborted) return;
      keepCost(this.#forge, { writer: name, failed: true });
      this.#forge.log.warn({ err: error, branch: branch.id, writer: name }, 'a writer of tutorials failed');
      if (this.#postpone(claim, error)) return;
      const message = `The writer ${name} failed: ${errorMessage(error)}. This is the outline.`;
      this.#finish(claim, branch, { state: 'ready', writer: outlineWriter.name, body: outline, message });
    }
  }

  /** Puts a failure that may pass off to later; false when it does not, or was tried often enough. */
  #postpone(claim: TutorialClaim, error: unknown): boolean {
    const { db, clock, config } = this.#forge;
    const { maxAttempts, retrySeconds, maxRetrySeconds } = config.tutorials;
    if (!(error instanceof WriterFailure) || !error.passes || claim.attempts >= maxAttempts) return false;
    const doubled = retrySeconds * 2 ** (claim.attempts - 1);
    const waitMs = Math.max(Math.min(doubled, maxRetrySeconds) * 1000, error.retryAfterMs ?? 0);
    const message = `The writer ${this.#writer.name} failed: ${error.message}. It is asked again.`;
    postponeTutorial(db, { ...claim, notBefore: clock.now() + waitMs, message });
    return true;
  }

  #finish(claim: TutorialClaim, branch: Branch, outcome: Outcome): void {
    const { db, clock } = this.#forge;
    const finish = (): boolean => finishTutorial(db, { ...claim, ...outcome, now: clock.now() });
    // The outline costs nothing, so it need not be on the disk before anything else is done.
    const isOutline = outcome.writer === outlineWriter.name;
    if (isOutline ? db.relaxedTransaction(finish) : finish()) this.#tell(claim, branch, outcome.state);
  }

  #tell({ revision }: TutorialClaim, { id, repoId }: Branch, state: Tutorial['state']): void {
    this.#forge.events.emit('tutorial-changed', { repoId, branchId: id, revision, state });
  }
}

/** A model is asked for what somebody may still review; for the rest the outline does. */
function isWorthIt(writer: TutorialWriter, branch: Branch, revision: Revision): boolean {
  return writer !== outlineWriter && branch.state === 'open' && branch.revision === revision.number;
}

/** Writes every tutorial that is due, and waits for it. */
export async function generateTutorials(forge: Forge, writer: TutorialWriter): Promise<void> {
  const desk = new TutorialDesk(forge, writer, () => desk.pass());
  desk.pass();
  await desk.settled();
}
