// How an error code reads to other programs: as an HTTP status, and as the exit status of `ph`. The forge
// writes the first table; `ph` reads it backwards when an answer carries no code.
import { errorCodes, type ErrorCode } from './errors.ts';

export const statusByCode: Record<ErrorCode, number> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  too_large: 413,
  limited: 429,
  unavailable: 503,
  internal: 500,
};

/** The exit statuses of `ph`; scripts rely on them. */
export const exitStatus = {
  done: 0,
  no: 1,
  wrongUse: 2,
  notAllowed: 3,
  notFound: 4,
  moved: 5,
  timedOut: 6,
  unreachable: 7,
} as const;
export type ExitStatus = (typeof exitStatus)[keyof typeof exitStatus];

export const exitStatusByCode: Record<ErrorCode, ExitStatus> = {
  invalid: exitStatus.wrongUse,
  unauthenticated: exitStatus.notAllowed,
  forbidden: exitStatus.notAllowed,
  not_found: exitStatus.notFound,
  conflict: exitStatus.moved,
  too_large: exitStatus.wrongUse,
  limited: exitStatus.unreachable,
  unavailable: exitStatus.unreachable,
  internal: exitStatus.unreachable,
};

/** The code that an HTTP status stands for; one that the forge never answers is the server's fault. */
export function codeOfStatus(status: number): ErrorCode {
  return errorCodes.find((code) => statusByCode[code] === status) ?? 'internal';
}
