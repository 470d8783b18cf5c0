// Live updates. The forge says "this changed" on a topic; the pages that are open fetch a fragment.
// Every message has an id; a client that comes back with Last-Event-ID gets what it missed, or `resync`.
import type { Request, Response } from 'express';
import { ForgeError } from '../lib/errors.ts';

interface Message {
  id: number;
  topic: string;
  data: string;
  at: number;
}

interface Subscriber {
  topics: ReadonlySet<string>;
  response: Response;
}

const replayLength = 1000;
const keepAliveMs = 25_000;

export class LiveFeed {
  readonly #subscribers = new Set<Subscriber>();
  readonly #recent: Message[] = [];
  readonly #maxSubscribers: number;
  /** Topics that are told of again and again, and how often in milliseconds. */
  readonly #repeated = new Map<string, number>();
  readonly #repeats = new Map<string, NodeJS.Timeout>();
  // Ids start at the time of the start, so that an id from before a restart is seen as too old.
  #lastId = Date.now() * 1000;
  #timer: NodeJS.Timeout | undefined;

  constructor(maxSubscribers: number) {
    this.#maxSubscribers = maxSubscribers;
  }

  /** How many pages are open. */
  get size(): number {
    return this.#subscribers.size;
  }

  /** Tells of a topic that changes without a fact, every `everyMs` for as long as a page about it is open. */
  repeat(topic: string, everyMs: number): void {
    this.#repeated.set(topic, everyMs);
  }

  publish(topic: string, data: Record<string, string | number> = {}): void {
    this.#lastId += 1;
    const message = { id: this.#lastId, topic, data: JSON.stringify({ topic, ...data }), at: Date.now() };
    this.#recent.push(message);
    if (this.#recent.length > replayLength) this.#recent.shift();
    for (const subscriber of this.#subscribers) {
      if (subscriber.topics.has(topic)) send(subscriber.response, message);
    }
  }

  /**
   * Keeps the response open and sends what is published on `topics` (already allowed for this caller), first what was
   * published since `since`: between the answer with the page and the page's first ear, things go on.
   */
  subscribe(
    request: Request,
    response: Response,
    { topics, since }: { topics: readonly string[]; since: number | undefined },
  ): void {
    if (this.#subscribers.size >= this.#maxSubscribers) {
      throw new ForgeError('limited', 'Too many pages are open live. Reload this page later.');
    }
    response.writeHead(200, {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
    });
    const subscriber = { topics: new Set(topics), response };
    this.#subscribers.add(subscriber);
    response.write(`retry: 1000\n: live\n\n`);
    const lastSeen = request.get('last-event-id');
    if (lastSeen !== undefined) this.#replay(subscriber, Number(lastSeen));
    else if (since !== undefined) this.#replay(subscriber, this.#lastIdBefore(since));
    this.#timer ??= setInterval(() => this.#keepAlive(), keepAliveMs).unref();
    this.#setRepeats();
    response.on('close', () => {
      this.#subscribers.delete(subscriber);
      this.#setRepeats();
    });
  }

  close(): void {
    clearInterval(this.#timer);
    for (const { response } of this.#subscribers) response.end();
    this.#subscribers.clear();
    this.#setRepeats();
  }

  #setRepeats(): void {
    for (const [topic, everyMs] of this.#repeated) {
      const isOpen = [...this.#subscribers].some(({ topics }) => topics.has(topic));
      const timer = this.#repeats.get(topic);
      if (isOpen && timer === undefined) {
        this.#repeats.set(topic, setInterval(() => this.publish(topic), everyMs).unref());
      } else if (!isOpen && timer !== undefined) {
        clearInterval(timer);
        this.#repeats.delete(topic);
      }
    }
  }

  /** The id after which everything was published at `since` or later. */
  #lastIdBefore(since: number): number {
    const first = this.#recent.findIndex(({ at }) => at >= since);
    // Where even the oldest is later, more may have been missed than is remembered: too old to be told from.
    if (first === 0 && this.#recent.length === replayLength) return 0;
    return (this.#recent[first]?.id ?? this.#lastId + 1) - 1;
  }

  #replay(subscriber: Subscriber, lastSeen: number): void {
    if (Number.isNaN(lastSeen)) return;
    const oldest = this.#recent[0]?.id ?? this.#lastId + 1;
    if (lastSeen < oldest - 1 || lastSeen > this.#lastId) {
      subscriber.response.write(`event: resync\nid: ${this.#lastId}\ndata: {}\n\n`);
      return;
    }
    for (const message of this.#recent) {
      if (message.id > lastSeen && subscriber.topics.has(message.topic)) send(subscriber.response, message);
    }
  }

  #keepAlive(): void {
    for (const { response } of this.#subscribers) response.write(': still here\n\n');
  }
}

function send(response: Response, message: Message): void {
  response.write(`id: ${message.id}\nevent: changed\ndata: ${message.data}\n\n`);
}
