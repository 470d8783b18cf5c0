// The SSH process's end of the line to the forge: questions with answers, and notices without.
import { ForgeError } from '../lib/errors.ts';
import { answers, type AnswerTo, type Downward, type Question, type Upward } from './model.ts';

type Waiting = { resolve: (value: unknown) => void; reject: (error: Error) => void };

export class Line {
  readonly #send: (message: Upward) => void;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  constructor(send: (message: Upward) => void) {
    this.#send = send;
  }

  /** The forge's answer; a refusal is thrown as a sentence for the user. */
  async ask<Asked extends Question>(question: Asked): Promise<AnswerTo<Asked['kind']>> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#lastId += 1;
    this.#waiting.set(this.#lastId, { resolve, reject });
    this.#send({ kind: 'ask', id: this.#lastId, question });
    return answers[question.kind].parse(await promise) as AnswerTo<Asked['kind']>;
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
