import { z } from 'zod';
import { compileGlob } from '../lib/glob.ts';

export const credentialKinds = ['none', 'token', 'key'] as const;
export type CredentialKind = (typeof credentialKinds)[number];

/** How one ref stands at a remote. `diverged` is left as it is there; `refused` is what the remote does not take. */
export const refStates = ['in-step', 'behind', 'diverged', 'refused'] as const;
export type RefState = (typeof refStates)[number];

export const syncCauses = ['change', 'manual', 'check'] as const;
export type SyncCause = (typeof syncCauses)[number];

/** `partial`: the remote was reached and refused something. */
export const syncStates = ['running', 'done', 'partial', 'failed', 'interrupted'] as const;
export type SyncState = (typeof syncStates)[number];

/** What a remote does as a whole: `off`, at work, waiting to be tried again, behind for a moment, or in step. */
export const remoteStates = [
  'off',
  'syncing',
  'failing',
  'refused',
  'behind',
  'diverged',
  'in-step',
] as const;
export type RemoteState = (typeof remoteStates)[number];

export interface MirrorRemote {
  id: number;
  repoId: number;
  name: string;
  /** Without a secret. */
  url: string;
  patterns: string[];
  credential: CredentialKind;
  /** Of a deploy key, to be given to the remote. */
  publicKey: string | undefined;
  /** The lines of known_hosts that the remote's server is held to; undefined until it was met. */
  hostKeys: string | undefined;
  /** Where the service takes statuses of commits; empty where nobody is told. */
  statuses: string;
  isActive: boolean;
  /** Whether the remote takes all of a push or nothing; undefined until one was made. */
  isAtomic: boolean | undefined;
  /** Wishes for a sync, and the newest one that is fulfilled, and that was tried. */
  wanted: number;
  done: number;
  tried: number;
  wantedAt: number | undefined;
  syncedAt: number | undefined;
  checkedAt: number | undefined;
  token: number;
  leaseUntil: number | undefined;
  failures: number;
  restsUntil: number | undefined;
  problem: string | undefined;
  createdAt: number;
  createdByName: string | undefined;
}

export interface MirrorRef {
  ref: string;
  state: RefState;
  hereOid: string | undefined;
  thereOid: string | undefined;
  /** What the forge last knew to have put there. */
  oursOid: string | undefined;
  /** What it has sent since, which may have arrived though nobody was told. */
  sent: string[];
  message: string | undefined;
  changedAt: number;
}

export interface MirrorSync {
  id: number;
  remoteId: number;
  token: number;
  generation: number;
  cause: SyncCause;
  accountName: string | undefined;
  state: SyncState;
  startedAt: number;
  finishedAt: number | undefined;
  pushed: number;
  deleted: number;
  refused: number;
  diverged: number;
  message: string | undefined;
}

export const defaultPatterns = ['refs/heads/**', 'refs/tags/**'];

const pattern = z
  .string()
  .max(200, 'a pattern has at most 200 characters')
  .superRefine((text, context) => {
    const problem = patternProblem(text);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  });

/** Why `text` chooses no refs, or undefined when it does; with `!` before it, it leaves out what others chose. */
export function patternProblem(text: string): string | undefined {
  const glob = text.replace(/^!/, '');
  if (!/^refs\/(?:heads|tags|notes)\/./.test(glob)) {
    return `"${text}" starts with none of refs/heads/, refs/tags/ and refs/notes/; nothing else leaves the forge`;
  }
  try {
    compileGlob(glob);
    return undefined;
  } catch (error) {
    return `"${text}" is no pattern: ${error instanceof Error ? error.message : String(error)}`;
  }
}

const patterns = z
  .array(pattern)
  .min(1, 'choose at least one pattern of refs, such as refs/heads/**')
  .max(50, 'a remote has at most 50 patterns')
  .refine((list) => list.some((text) => !text.startsWith('!')), 'a remote needs a pattern without !');
const name = z
  .string()
  .max(40, 'a name has at most 40 characters')
  .regex(/^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/i, 'a name has letters, digits, dots, dashes and underscores');
const url = z.string().min(1, 'write the address of the remote').max(2000);

/** What the forge shows itself with; of `key` it makes one, and tells the public half. */
export const credentialRequest = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({
    kind: z.literal('token'),
    token: z.string().min(1, 'write the token').max(4000),
    user: z.string().max(200).default('git'),
  }),
  z.strictObject({ kind: z.literal('key') }),
]);
export type CredentialRequest = z.output<typeof credentialRequest>;

export const mirrorRequest = z.strictObject({
  name,
  url,
  patterns: patterns.default(defaultPatterns),
  credential: credentialRequest.default({ kind: 'none' }),
  /** The repository in GitHub's API, or one like it, e.g. `https://api.github.com/repos/OWNER/NAME`. */
  statuses: z.string().max(2000).default(''),
  active: z.boolean().default(true),
});
export type MirrorRequest = z.output<typeof mirrorRequest>;

/** What is left out stays as it is. `forgetHostKeys` takes the server's next key for good. */
export const mirrorChange = z.strictObject({
  url: url.optional(),
  patterns: patterns.optional(),
  credential: credentialRequest.optional(),
  statuses: z.string().max(2000).optional(),
  active: z.boolean().optional(),
  forgetHostKeys: z.boolean().optional(),
});
export type MirrorChange = z.output<typeof mirrorChange>;

/** One ref that diverged, and what stands there now: that alone is overwritten. */
export const overwriteRequest = z.strictObject({
  ref: z.string().max(300),
  there: z
    .string()
    .regex(/^[0-9a-f]{40}$/, 'expected the whole object id of what stands there')
    .nullable(),
});
export type OverwriteRequest = z.output<typeof overwriteRequest>;

export const mirrorSyncView = z.object({
  id: z.number(),
  cause: z.enum(syncCauses),
  by: z.string().nullable(),
  state: z.enum(syncStates),
  startedAt: z.string(),
  finishedAt: z.string().nullable(),
  pushed: z.number(),
  deleted: z.number(),
  refused: z.number(),
  diverged: z.number(),
  message: z.string().nullable(),
});
export type MirrorSyncView = z.infer<typeof mirrorSyncView>;

export const mirrorView = z.object({
  name: z.string(),
  url: z.string(),
  patterns: z.array(z.string()),
  credential: z.enum(credentialKinds),
  publicKey: z.string().nullable(),
  /** Of the keys that the SSH server showed first, and that it is held to. */
  hostKeys: z.array(z.string()),
  statuses: z.string(),
  /** Why the service there could not be told of a commit. */
  statusesProblem: z.string().nullable(),
  active: z.boolean(),
  state: z.enum(remoteStates),
  /** Null until a push was made: only then it is known. */
  atomic: z.boolean().nullable(),
  lag: z.object({
    /** Refs that stand elsewhere there than here. */
    refs: z.number(),
    /** Since the first change that is not there yet; 0 when there is none. */
    seconds: z.number(),
  }),
  refs: z.object({ 'in-step': z.number(), behind: z.number(), diverged: z.number(), refused: z.number() }),
  problem: z.string().nullable(),
  failures: z.number(),
  triedAgainAt: z.string().nullable(),
  syncedAt: z.string().nullable(),
  createdAt: z.string(),
  createdBy: z.string().nullable(),
});
export type MirrorView = z.infer<typeof mirrorView>;
export const mirrorListView = z.object({ mirrors: z.array(mirrorView) });

export const mirrorRefView = z.object({
  ref: z.string(),
  state: z.enum(refStates),
  here: z.string().nullable(),
  there: z.string().nullable(),
  message: z.string().nullable(),
  changedAt: z.string(),
});
export type MirrorRefView = z.infer<typeof mirrorRefView>;

/** `after` is the last ref of the page before; `odd` is everything that is not in step. */
export const mirrorRefsQuery = z.object({
  state: z.enum(['odd', 'all', ...refStates]).default('all'),
  after: z.string().max(300).optional(),
});
export const mirrorRefsView = z.object({
  refs: z.array(mirrorRefView),
  /** The `after` of the next page. */
  next: z.string().nullable(),
});
export const mirrorSyncsQuery = z.object({ before: z.coerce.number().int().min(1).optional() });
export const mirrorSyncsView = z.object({
  syncs: z.array(mirrorSyncView),
  /** The `before` of the next page. */
  next: z.number().nullable(),
});
