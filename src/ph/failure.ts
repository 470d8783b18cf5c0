import { exitStatus, type ExitStatus } from '../lib/statuses.ts';

/** The end of a command that did not do what was asked: a sentence with the next step, and the exit status. */
export class Failure extends Error {
  readonly status: ExitStatus;
  readonly details: unknown;

  constructor(status: ExitStatus, message: string, options: { cause?: unknown; details?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Failure';
    this.status = status;
    this.details = options.details;
  }
}

export const wrongUse = (message: string): Failure => new Failure(exitStatus.wrongUse, message);
export const notFound = (message: string): Failure => new Failure(exitStatus.notFound, message);
