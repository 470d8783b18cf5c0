// What every command of the operator is given, and how it asks the forge.
import type { CommandRequest } from './commands.ts';

export interface CommonOptions {
  /** The data directory. */
  data: string;
  json?: boolean;
}

export interface VerifyOptions extends CommonOptions {
  backup?: string;
  quick?: boolean;
  mend?: boolean;
}

export interface RestoreOptions extends CommonOptions {
  backup?: string;
}

/** Asks the forge that runs, or opens its data, and prints the answer. */
export type Ask = (options: CommonOptions, request: CommandRequest) => Promise<void>;
