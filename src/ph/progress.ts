import type { BranchStatusView } from '../landing/model.ts';
import type { LaneView } from '../ci/model.ts';
import { describeLanding } from './landing-words.ts';
import { cleanLine, elapsed, type Screen } from './output.ts';
import { colourOf, reasonOf } from './verdict.ts';

/** Lanes as they go: a block that is drawn again on a terminal, one line for each change elsewhere. */
export class Progress {
  readonly #screen: Screen;
  readonly #said = new Map<string, string>();
  #status: BranchStatusView | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  show(status: BranchStatusView): void {
    this.#status = status;
    if (!this.#screen.isTerminal) {
      this.#sayChanges(status);
      return;
    }
    this.#draw();
    // Only the running times change between two answers.
    this.#timer ??= setInterval(() => this.#draw(), 1000);
  }

  /** Stops drawing; what was drawn last stays. */
  end(): void {
    clearInterval(this.#timer);
  }

  #draw(): void {
    const status = this.#status;
    if (status === undefined) return;
    const head = `${cleanLine(status.branch.name)} #${status.branch.number} at ${status.branch.head.slice(0, 8)}`;
    const lanes = status.run?.lanes ?? [];
    const width = Math.max(0, ...lanes.map((lane) => cleanLine(lane.id).length));
    const lines = lanes.map((lane) => {
      const state = this.#screen.paint(colourOf(lane.state), lane.state.padEnd(10));
      return `  ${cleanLine(lane.id).padEnd(width)}  ${state} ${detailOf(lane)}`;
    });
    const landing = isUnderWay(status) ? [`  ${describeLanding(status.landing)}`] : [];
    this.#screen.redraw([head, ...(lines.length > 0 ? lines : ['  CI has not started yet']), ...landing]);
  }

  #sayChanges(status: BranchStatusView): void {
    this.#say(
      'run',
      status.run === null ? 'ci: not started yet' : `ci: run ${status.run.number} ${status.run.url}`,
    );
    for (const lane of status.run?.lanes ?? []) {
      // The time of a lane that still runs would make every answer a change.
      const detail = lane.finishedAt === null ? reasonOf(lane) : detailOf(lane);
      this.#say(lane.id, `${cleanLine(lane.id)}: ${lane.state}${detail === '' ? '' : ` ${detail}`}`);
    }
    if (isUnderWay(status)) this.#say('landing', `landing: ${describeLanding(status.landing)}`);
  }

  #say(key: string, line: string): void {
    if (this.#said.get(key) === line) return;
    this.#said.set(key, line);
    this.#screen.line(cleanLine(line));
  }
}

const detailOf = (lane: LaneView): string =>
  [elapsed(lane.startedAt, lane.finishedAt), reasonOf(lane)].filter((part) => part !== '').join(' · ');

/** How it ended is said last, by the command. */
const isUnderWay = (
  status: BranchStatusView,
): status is BranchStatusView & { landing: NonNullable<BranchStatusView['landing']> } =>
  status.landing !== null && status.landing.ended === null;
