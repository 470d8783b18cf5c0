// The SSH process's end of the line to the forge: questions with answers, and notices without.
// Whoever serves a client of SSH asks a `Clerk`: this line, or in the forge's own process the desk itself.
import { ForgeError } from '../lib/errors.ts';
import { answers, type AnswerTo, type Downward, type Question, type Upward } from './model.ts';

type Waiting = { resolve: (value: unknown) => void; reject: (error: Error) => void };

export interface Clerk {
  /** The forge's answer; a refusal is thrown as a sentence for the user. `signal`: the client has gone. */
  ask<Asked extends Question>(question: Asked, signal?: AbortSignal): Promise<AnswerTo<Asked['kind']>>;
  tellEnded(serviceId: string): void;
}

export class Line implements Clerk {
  readonly #send: (message: Upward) => void;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  constructor(send: (message: Upward) => void) {
    this.#send = send;
  }

  async ask<Asked extends Question>(question: Asked, signal?: AbortSignal): Promise<AnswerTo<Asked['kind']>> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#lastId += 1;
    const id = this.#lastId;
    this.#waiting.set(id, { resolve, reject });
    this.#send({ kind: 'ask', id, question });
    const abandon = () => this.#send({ kind: 'abandon', id });
    signal?.addEventListener('abort', abandon);
    try {
      return answers[question.kind].parse(await promise) as AnswerTo<Asked['kind']>;
    } finally {
      signal?.removeEventListener('abort', abandon);
    }
  }

  tellEnded(serviceId: string): void {
    this.#send({ kind: 'ended', serviceId });
  }

  receive(message: Extract<Downward, { id: number }>): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.kind === 'answer') waiting?.resolve(message.value);
    else waiting?.reject(new ForgeError('forbidden', message.message));
  }
}
