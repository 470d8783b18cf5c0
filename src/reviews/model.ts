import { z } from 'zod';

export const verdicts = ['approve', 'changes', 'comment'] as const;
export type VerdictKind = (typeof verdicts)[number];

/** The newest word of one account on a branch that counts: an approval, or that changes are asked for. */
export interface Verdict {
  accountId: number;
  name: string;
  kind: 'person' | 'agent';
  verdict: 'approve' | 'changes';
  /** The head it was given at. */
  headOid: string;
  revision: number;
  /** Given at the branch's present head, or at a head with the same patch. */
  isCurrent: boolean;
  at: number;
}

export interface ReviewState {
  approvals: Verdict[];
  changesAsked: Verdict[];
  /** Threads about files and lines; talk about the whole branch needs no resolution. */
  unresolvedThreads: number;
  threads: number;
}

export const threadKinds = ['branch', 'file', 'line', 'step', 'log'] as const;
export type ThreadKind = (typeof threadKinds)[number];

/** The file as the branch has it, or as it was before. */
export const sides = ['old', 'new'] as const;
export type Side = (typeof sides)[number];

const fullOid = z.string().regex(/^[0-9a-f]{40}$/, 'must be a full object id of 40 hexadecimal digits');
const maxLineNumber = 10_000_000;
const lineNumber = z.number('a line is a number').int().min(1, 'lines are counted from 1').max(maxLineNumber);

// Browsers send the text of a field with CR LF.
const markdownText = z
  .string()
  .overwrite((text) => text.replaceAll('\r\n', '\n'))
  .trim();
export const commentBody = markdownText.min(1, 'write something first');

/**
 * About the branch when nothing else is named; with a path about the file, or its lines; with a step about that step of
 * the tutorial; with a lane about lines of its log.
 */
export const threadRequest = z.strictObject({
  body: commentBody,
  path: z.string().min(1).max(4096).optional(),
  side: z.enum(sides).default('new'),
  /** The line, or the last one of a range. */
  line: lineNumber.optional(),
  firstLine: lineNumber.optional(),
  /** A step of the tutorial of that head, counted from 1. */
  step: z.number('a step is a number').int().min(1).max(1000).optional(),
  /** A lane of a run of that head; `line` and `firstLine` are then those of its log. */
  lane: z.string().min(1).max(100).optional(),
  /** The run and the attempt of the lane; without them the newest. */
  run: z.number('a run is a number').int().min(1).optional(),
  attempt: z.number('an attempt is a number').int().min(1).optional(),
  /** The head that was read, whose lines are counted; without it the newest. */
  head: fullOid.optional(),
  /** Seen by its author alone until it is submitted with a review. */
  draft: z.boolean().default(false),
});
export type ThreadRequest = z.infer<typeof threadRequest>;

export const replyRequest = z.strictObject({ body: commentBody, draft: z.boolean().default(false) });
export const editRequest = z.strictObject({ body: commentBody });
export const reviewRequest = z.strictObject({
  verdict: z.enum(verdicts),
  body: markdownText.default(''),
  /** The head that was read; the review is refused when the branch has moved on. */
  head: fullOid,
});

/** One line that a thread was written about, or one beside it. */
export const contextLine = z.object({ number: z.number(), text: z.string() });
export type ContextLine = z.infer<typeof contextLine>;

export interface Comment {
  id: number;
  threadId: number;
  accountId: number;
  authorName: string;
  authorKind: 'person' | 'agent' | 'system';
  reviewId: number | undefined;
  /** Markdown; empty when it was deleted. */
  body: string;
  createdAt: number;
  /** Undefined while it is a draft. */
  publishedAt: number | undefined;
  editedAt: number | undefined;
  deletedAt: number | undefined;
}

export const logPlace = z.object({ run: z.number(), lane: z.string(), attempt: z.number() });
export type LogPlace = z.infer<typeof logPlace>;

export interface Thread {
  id: number;
  branchId: number;
  kind: ThreadKind;
  /** Where it began, at `revision`. */
  path: string | undefined;
  side: Side | undefined;
  firstLine: number | undefined;
  lastLine: number | undefined;
  revision: number;
  /** The title of the step that it is about. */
  step: string | undefined;
  /** The attempt whose log it is about; `firstLine` and `lastLine` are then of the log. */
  log: LogPlace | undefined;
  context: ContextLine[];
  createdAt: number;
  resolvedAt: number | undefined;
  resolvedByName: string | undefined;
}

export interface Review {
  id: number;
  branchId: number;
  accountId: number;
  authorName: string;
  authorKind: 'person' | 'agent' | 'system';
  verdict: VerdictKind;
  /** What its author wanted it to be; a verdict on one's own work stands as a comment. */
  asked: VerdictKind;
  body: string;
  revision: number;
  headOid: string;
  createdAt: number;
}

/**
 * Where a thread stands in another revision. `here`: its lines are as they were. `changed`: some of them are.
 * `outdated`: none of them is left.
 */
export const placeStates = ['here', 'changed', 'outdated'] as const;
export type PlaceState = (typeof placeStates)[number];

const author = z.object({ name: z.string(), kind: z.enum(['person', 'agent', 'system']) });

export const commentStates = ['published', 'draft', 'deleted'] as const;
export const commentView = z.object({
  id: z.number(),
  thread: z.number(),
  author,
  body: z.string(),
  state: z.enum(commentStates),
  createdAt: z.string(),
  editedAt: z.string().nullable(),
});
export type CommentView = z.infer<typeof commentView>;

export const threadView = z.object({
  id: z.number(),
  kind: z.enum(threadKinds),
  state: z.enum(['open', 'resolved']),
  /** Who resolved it. */
  resolvedBy: z.string().nullable(),
  side: z.enum(sides).nullable(),
  /** Where it began. */
  revision: z.number(),
  path: z.string().nullable(),
  firstLine: z.number().nullable(),
  line: z.number().nullable(),
  /** The title of the step of the tutorial that it is about. */
  step: z.string().nullable(),
  /** The attempt whose log it is about. */
  log: logPlace.nullable(),
  /** The lines it was written about, and those around them. */
  context: z.array(contextLine),
  /** Where it stands in the branch's newest revision. */
  now: z.object({
    state: z.enum(placeStates),
    path: z.string().nullable(),
    firstLine: z.number().nullable(),
    line: z.number().nullable(),
  }),
  comments: z.array(commentView),
  createdAt: z.string(),
  url: z.string(),
});
export type ThreadView = z.infer<typeof threadView>;

export const threadsQuery = z.object({
  state: z.enum(['open', 'resolved', 'all']).default('all'),
  /** The `next` of the page before. */
  after: z.coerce.number().int().min(0).default(0),
});
export const threadsView = z.object({ threads: z.array(threadView), next: z.number().nullable() });

export const reviewView = z.object({
  id: z.number(),
  author,
  verdict: z.enum(verdicts),
  /** Why it does not count as what was asked for. */
  note: z.string().nullable(),
  body: z.string(),
  revision: z.number(),
  head: z.string(),
  createdAt: z.string(),
});
export type ReviewView = z.infer<typeof reviewView>;

const verdictView = z.object({
  name: z.string(),
  kind: z.enum(['person', 'agent']),
  verdict: z.enum(['approve', 'changes']),
  head: z.string(),
  revision: z.number(),
  /** Given at the present head, or at one with the same patch. */
  current: z.boolean(),
  at: z.string(),
});
export type VerdictView = z.infer<typeof verdictView>;
export const reviewsQuery = z.object({
  /** The `next` of the page before. */
  before: z.coerce.number().int().min(1).optional(),
});
export const reviewsView = z.object({
  /** The newest verdict of each account that counts. */
  verdicts: z.array(verdictView),
  threads: z.number(),
  unresolvedThreads: z.number(),
  /** The caller's own comments that were not submitted yet. */
  drafts: z.number(),
  /** The newest first. */
  reviews: z.array(reviewView),
  next: z.number().nullable(),
});
export type ReviewsView = z.infer<typeof reviewsView>;

const diffLineView = z.object({
  kind: z.enum(['context', 'added', 'removed']),
  text: z.string(),
  oldNumber: z.number().nullable(),
  newNumber: z.number().nullable(),
});
export const branchDiffView = z.object({
  revision: z.number(),
  /** The merge base, null when the histories share nothing. */
  base: z.string().nullable(),
  head: z.string(),
  /** Something was left out for its size. */
  truncated: z.boolean(),
  files: z.array(
    z.object({
      status: z.enum(['added', 'modified', 'deleted', 'renamed', 'copied', 'type']),
      oldPath: z.string(),
      path: z.string(),
      binary: z.boolean(),
      tooLarge: z.boolean(),
      added: z.number(),
      removed: z.number(),
      hunks: z.array(
        z.object({
          oldStart: z.number(),
          oldLines: z.number(),
          newStart: z.number(),
          newLines: z.number(),
          section: z.string(),
          lines: z.array(diffLineView),
        }),
      ),
    }),
  ),
});
export type BranchDiffView = z.infer<typeof branchDiffView>;
export const revisionQuery = z.object({ revision: z.coerce.number().int().min(1).optional() });

export const tutorialView = z.object({
  state: z.enum(['none', 'queued', 'running', 'ready', 'failed']),
  /** The revision it explains, and the one the branch is at. */
  revision: z.number().nullable(),
  current: z.number(),
  writer: z.string().nullable(),
  message: z.string().nullable(),
  summary: z.string(),
  steps: z.array(
    z.object({
      number: z.number(),
      title: z.string(),
      intent: z.string(),
      /** Markdown. */
      prose: z.string(),
      /** The hunks it explains, counted from 0 within each file. */
      hunks: z.array(z.object({ path: z.string(), hunk: z.number() })),
    }),
  ),
});
export type TutorialView = z.infer<typeof tutorialView>;
