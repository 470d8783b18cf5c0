// What the forge and its SSH process say to each other. The process never opens the database: whatever it must
// know it asks, and what it is told is checked on both sides.
import { z } from 'zod';

export const gitServices = ['git-upload-pack', 'git-receive-pack'] as const;
export type GitService = (typeof gitServices)[number];

export const lfsOperations = ['download', 'upload'] as const;
export type LfsOperation = (typeof lfsOperations)[number];

/** Set for git, its hooks and nobody else; see `Desk.open`. */
const environment = z.record(z.string(), z.string());

/** A key that proved itself by a signature, as base64 of its wire form, and from where. */
const identity = z.object({ key: z.string(), address: z.string() });
export type Identity = z.infer<typeof identity>;

/** Of a terminal, in characters. */
const terminalSize = z.object({ columns: z.number().int(), rows: z.number().int() });
export type TerminalSize = z.infer<typeof terminalSize>;

/** A debug shell in the kept workspace of a failed attempt; without a number, of the lane's newest. */
const wantedShell = z.object({
  owner: z.string(),
  name: z.string(),
  run: z.number(),
  lane: z.string(),
  attempt: z.number().optional(),
  /** The client's TERM, when it has a terminal. */
  term: z.string().optional(),
});
export type WantedShell = z.infer<typeof wantedShell>;

export const question = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('known'), key: z.string() }),
  z.object({ kind: z.literal('identify'), identity }),
  z.object({
    kind: z.literal('open'),
    identity,
    service: z.enum(gitServices),
    owner: z.string(),
    name: z.string(),
  }),
  z.object({
    kind: z.literal('check'),
    serviceId: z.string(),
    quarantine: z.string(),
    lines: z.array(z.string()),
    overflow: z.boolean(),
  }),
  z.object({ kind: z.literal('ring'), serviceId: z.string() }),
  z.object({ kind: z.literal('refuse'), serviceId: z.string(), sentence: z.string() }),
  z.object({
    kind: z.literal('lfs'),
    identity,
    operation: z.enum(lfsOperations),
    owner: z.string(),
    name: z.string(),
  }),
  z.object({ kind: z.literal('shell'), identity, wanted: wantedShell }),
  z.object({ kind: z.literal('farewell'), serviceId: z.string() }),
  z.object({ kind: z.literal('command'), identity, name: z.enum(['help', 'whoami', 'login']) }),
]);
export type Question = z.infer<typeof question>;

const granted = z.object({ id: z.string(), repoPath: z.string(), env: environment });
export type Granted = z.infer<typeof granted>;

const grantedShell = z.object({
  id: z.string(),
  /** Of the sandbox with the shell in it. */
  argv: z.array(z.string()),
  env: environment,
  folder: z.string(),
  /** How long it may last. */
  limitMs: z.number(),
  /** Lines for whoever opens it. */
  greeting: z.array(z.string()),
});
export type GrantedShell = z.infer<typeof grantedShell>;

export const answers = {
  known: z.boolean(),
  identify: z.boolean(),
  open: granted,
  check: z.array(z.string()),
  ring: z.array(z.string()),
  refuse: z.null(),
  lfs: z.string(),
  shell: grantedShell,
  /** Null when it was not the forge that ended the shell. */
  farewell: z.string().nullable(),
  command: z.string(),
};
export type AnswerTo<Kind extends Question['kind']> = z.infer<(typeof answers)[Kind]>;

/** How much the head of a push may hold; see `PushHead`. */
const pushHeadLimits = z.object({
  maxRefsPerPush: z.number(),
  maxPushOptions: z.number(),
  maxPushOptionBytes: z.number(),
});
export type PushHeadLimits = z.infer<typeof pushHeadLimits>;

export const startOrder = z.object({
  host: z.string(),
  port: z.number(),
  hostKeyPath: z.string(),
  gitHome: z.string(),
  searchPath: z.string(),
  maxConnections: z.number(),
  handshakeMs: z.number(),
  maxPushBytes: z.number(),
  gitSeconds: z.number(),
  stallMs: z.number(),
  pushHead: pushHeadLimits,
});
export type StartOrder = z.infer<typeof startOrder>;

/** From the SSH process to the forge. */
export const upward = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('listening'), port: z.number() }),
  z.object({ kind: z.literal('failed'), message: z.string() }),
  z.object({ kind: z.literal('ask'), id: z.number(), question }),
  /** Nobody waits for the answer any more; what it would have granted is not taken. */
  z.object({ kind: z.literal('abandon'), id: z.number() }),
  z.object({ kind: z.literal('ended'), serviceId: z.string() }),
]);
export type Upward = z.infer<typeof upward>;

/** From the forge to the SSH process. A refusal is a sentence for the user. */
export const downward = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('start'), order: startOrder }),
  z.object({ kind: z.literal('answer'), id: z.number(), value: z.unknown() }),
  z.object({ kind: z.literal('refusal'), id: z.number(), message: z.string() }),
  z.object({ kind: z.literal('stop') }),
]);
export type Downward = z.infer<typeof downward>;
