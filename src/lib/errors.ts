/** Every expected refusal in the forge is one of these; `web/errors.ts` and `ph` map them to statuses. */
export const errorCodes = [
  'invalid',
  'unauthenticated',
  'forbidden',
  'not_found',
  'conflict',
  'too_large',
  'limited',
  'unavailable',
  'internal',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/**
 * An expected refusal. `message` is one sentence that names what was wrong and the way out; it is
 * shown to the user as it stands, so it must never hold a secret or a path of the server.
 */
export class ForgeError extends Error {
  readonly code: ErrorCode;
  readonly details: unknown;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; details?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ForgeError';
    this.code = code;
    this.details = options.details;
  }
}

/** The text of anything thrown, for a log line or a `reason` column. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
