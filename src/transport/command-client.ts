// A client of SSH that wants one command, whichever front it came through, and what serves it.
import type { Readable, Writable } from 'node:stream';
import type { Git } from '../git/run.ts';
import type { Clerk } from './ask.ts';
import type { Identity, PushHeadLimits, TerminalSize } from './model.ts';

/** What a client asked for as its terminal; a shell alone is given one. */
export interface Terminal extends TerminalSize {
  term: string;
  /** Calls `listener` with every size that it has had other than the first. */
  watchSize(listener: (size: TerminalSize) => void): void;
}

/** The three streams of a client, and how it is told the end. */
export interface CommandClient {
  input: Readable;
  output: Writable;
  errors: Writable;
  terminal: Terminal | undefined;
  /** Why this front gives a shell no terminal, for whoever expects one. */
  noTerminal?: string;
  /** Sends what a program says, as fast as the client takes it. */
  carry(source: Readable): void;
  /** Aborts when the client has gone, after which nothing is told it any more. */
  gone: AbortSignal;
  /** Sends the exit status and closes. */
  exit(code: number): void;
}

/** A program that was started for a client. */
export interface RunningProgram {
  /** The exit code. */
  ended: Promise<number>;
  stop(): void;
}

export interface CommandParts {
  git: Git;
  clerk: Clerk;
  identity: Identity;
  pushHead: PushHeadLimits;
  /** Programs in progress, so that the process can end them when it ends. */
  services: Set<RunningProgram>;
}

/** Lines for the client, as an answer or as a remark. A terminal in raw mode wants the carriage to return, too. */
export function tell(client: CommandClient, to: 'output' | 'errors', text: string): void {
  const lines = `${text}\n`;
  client[to].write(client.terminal === undefined ? lines : lines.replaceAll('\n', '\r\n'));
}

/** A sentence of the forge among other output. */
export const remark = (client: CommandClient, sentence: string): void =>
  tell(client, 'errors', `${client.terminal === undefined ? '' : '\r'}pika-git: ${sentence}`);
