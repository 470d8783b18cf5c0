// The figures of /metrics. What happens is counted when it happens; what there is, is looked up when somebody asks. Labels
// have few values by their nature: states, kinds, routes as they are mounted, never names or addresses.
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Forge } from '../forge/open.ts';
import type { AnsweredRequest } from '../lib/answered-request.ts';

/** One figure as it is now: `{ label: value }` by the values of its label, or the value alone. */
export type Reading = number | readonly { labels: Record<string, string>; value: number }[];

export interface GaugeRow {
  name: string;
  help: string;
  labels?: readonly string[];
  read: () => Reading;
}

const answerSeconds = [0.005, 0.02, 0.05, 0.1, 0.25, 1, 5];

export class Figures {
  readonly #registry = new Registry();
  readonly #requests: Counter<'method' | 'route' | 'status'>;
  readonly #seconds: Histogram<'method' | 'route'>;
  readonly #slow: Counter;
  readonly #offs: (() => void)[];

  constructor(forge: Forge, rows: readonly GaugeRow[]) {
    const registers = [this.#registry];
    this.#requests = new Counter({
      name: 'pika_http_requests_total',
      help: 'Requests that were answered, by route and status.',
      labelNames: ['method', 'route', 'status'],
      registers,
    });
    this.#seconds = new Histogram({
      name: 'pika_http_request_seconds',
      help: 'Time until the answer to a request began.',
      labelNames: ['method', 'route'],
      buckets: answerSeconds,
      registers,
    });
    this.#slow = new Counter({
      name: 'pika_http_slow_requests_total',
      help: 'Requests whose answer began later than health.slowRequestMs.',
      registers,
    });
    for (const row of rows) this.#show(row);
    this.#offs = this.#count(forge);
  }

  answered({ method, route, status, ms }: AnsweredRequest, isSlow: boolean): void {
    this.#requests.inc({ method, route, status: String(status) });
    this.#seconds.observe({ method, route }, ms / 1000);
    if (isSlow) this.#slow.inc();
  }

  /** In the text format of Prometheus, version 0.0.4. */
  async text(): Promise<{ type: string; body: string }> {
    return { type: this.#registry.contentType, body: await this.#registry.metrics() };
  }

  stop(): void {
    for (const off of this.#offs) off();
    this.#registry.clear();
  }

  #show({ name, help, labels = [], read }: GaugeRow): void {
    const collect = (): void => {
      const reading = read();
      // A state that nothing is in any more has no line.
      gauge.reset();
      if (typeof reading === 'number') gauge.set(reading);
      else for (const { labels: given, value } of reading) gauge.set(given, value);
    };
    const gauge = new Gauge({ name, help, labelNames: [...labels], registers: [this.#registry], collect });
  }

  #count({ events }: Forge): (() => void)[] {
    const counter = (name: string, help: string, ...labelNames: string[]): Counter =>
      new Counter({ name, help, labelNames, registers: [this.#registry] });
    const revisions = counter('pika_revisions_total', 'Heads of branches that were pushed.');
    const settled = counter('pika_branches_settled_total', 'Branches that were merged or closed.', 'state');
    const lanes = counter('pika_lanes_ended_total', 'Attempts of lanes that ended, by how.', 'state');
    const runs = counter('pika_runs_ended_total', 'Runs that ended, by how.', 'state');
    const tutorials = counter('pika_tutorials_ended_total', 'Tutorials that ended, by how.', 'state');
    return [
      events.on('branch-pushed', () => revisions.inc()),
      events.on('branch-settled', ({ state }) => settled.inc({ state })),
      events.on('lane-changed', ({ state }) => {
        if (!liveStates.has(state)) lanes.inc({ state });
      }),
      events.on('run-finished', ({ state }) => runs.inc({ state })),
      events.on('tutorial-changed', ({ state }) => {
        if (!liveStates.has(state)) tutorials.inc({ state });
      }),
    ];
  }
}

const liveStates: ReadonlySet<string> = new Set(['queued', 'running', 'cancelling']);
