// The shapes in which files and histories leave the forge. A `path` is percent-encoded byte by byte, so that every
// name that git can hold is told exactly; a `name` beside it is text for people.
import { z } from 'zod';

const oid = z.string();
const named = z.object({ name: z.string(), path: z.string() });

/** What an address below `tree`, `blob`, `commits` or `search` led to. */
const placeView = z.object({
  ref: z.object({ kind: z.enum(['branch', 'tag', 'commit']), name: z.string() }),
  commit: oid,
  path: z.string(),
});

const entryKind = z.enum(['folder', 'file', 'symlink', 'submodule']);

const lastChangeView = z.object({
  oid,
  authorName: z.string(),
  authoredAt: z.string(),
  subject: z.string(),
});

/** Ask again with `from` behind the last entry until `total` is reached. */
export const folderView = placeView.extend({
  oid,
  from: z.number(),
  total: z.number(),
  entries: z.array(
    named.extend({
      kind: entryKind,
      mode: z.string(),
      oid,
      /** In bytes; of files alone. */
      size: z.number().nullable(),
      /** Where a symbolic link leads. */
      target: z.string().nullable(),
      /** With `with=commits`; null where the time was up before. */
      lastChange: lastChangeView.nullable().optional(),
    }),
  ),
  hasAllChanges: z.boolean().optional(),
});
export type FolderView = z.infer<typeof folderView>;

/** `text` stands there for content `text` alone; the rest is fetched from `rawUrl`. Submodules have no content. */
export const fileView = placeView.extend({
  kind: entryKind,
  mode: z.string(),
  oid,
  size: z.number().optional(),
  rawUrl: z.string().optional(),
  content: z.enum(['text', 'image', 'lfs', 'binary', 'large']).optional(),
  encoding: z.enum(['UTF-8', 'UTF-16', 'Latin-1']).optional(),
  text: z.string().optional(),
  lfs: z.object({ oid: z.string(), size: z.number() }).optional(),
});
export type FileView = z.infer<typeof fileView>;

/** Names whose letters fit, with `in=names`. */
const foundNamesView = placeView.extend({
  matching: z.number(),
  total: z.number(),
  isWhole: z.boolean(),
  files: z.array(named),
});

/** Lines that hold the text; `end` says whether all were found, and if not, why. */
const foundLinesView = placeView.extend({
  end: z.enum(['whole', 'enough', 'bytes', 'time']),
  files: z.array(named.extend({ lines: z.array(z.object({ number: z.number(), text: z.string() })) })),
});
export const searchView = z.union([foundNamesView, foundLinesView]);
export type SearchView = z.infer<typeof searchView>;

/** Ask again with `from` set to `offset` and the number of `refs` until `matching` is reached. */
export const refListView = z.object({
  refs: z.array(
    z.object({
      name: z.string(),
      /** A commit, or the tag object of an annotated tag. */
      oid,
      commit: z
        .object({
          oid,
          tree: oid,
          parents: z.array(oid),
          authorName: z.string(),
          authorEmail: z.string(),
          authoredAt: z.string(),
          subject: z.string(),
          body: z.string(),
        })
        .nullable(),
    }),
  ),
  matching: z.number(),
  total: z.number(),
  offset: z.number(),
});

const logEntryView = z.object({
  oid,
  parents: z.array(oid),
  authorName: z.string(),
  authorEmail: z.string(),
  authoredAt: z.string(),
  committedAt: z.string(),
  subject: z.string(),
});
export type LogEntryView = z.infer<typeof logEntryView>;

/** `next` is where the following page begins: its `at`, `path` and `skip`. */
export const historyView = placeView.extend({
  commits: z.array(logEntryView.extend({ path: z.string() })),
  next: z.object({ at: oid, path: z.string(), skip: z.number() }).nullable(),
  renamedFrom: z.object({ commit: oid, path: z.string() }).nullable(),
  timedOut: z.boolean(),
});

const changedFileView = z.object({
  status: z.enum(['added', 'modified', 'deleted', 'renamed', 'copied', 'type']),
  oldPath: z.string(),
  newPath: z.string(),
  oldMode: z.string(),
  newMode: z.string(),
  oldOid: oid,
  newOid: oid,
  binary: z.boolean(),
  added: z.number(),
  removed: z.number(),
  /** The content of the difference was left out for its size. */
  tooLarge: z.boolean(),
});

/** `truncated` when files, or the content of some, were left out. */
export const changedFilesView = z.object({ files: z.array(changedFileView), truncated: z.boolean() });
export type ChangedFilesView = z.infer<typeof changedFilesView>;

const signerView = z.object({ name: z.string(), email: z.string(), at: z.string(), zone: z.string() });

/** A commit beside one of its parents. */
export const commitView = changedFilesView.extend({
  oid,
  tree: oid,
  parents: z.array(oid),
  author: signerView,
  committer: signerView,
  /** What kind of signature it carries; whether it holds is not looked at. */
  signature: z.enum(['OpenPGP', 'SSH', 'X.509']).nullable(),
  subject: z.string(),
  body: z.string(),
  parent: oid.nullable(),
});

/** Null when it could not be found out in the time there is. */
export const containedView = z.object({
  contained: z
    .object({ branches: z.array(z.string()), tags: z.array(z.string()), hasMore: z.boolean() })
    .nullable(),
});

export const comparisonView = changedFilesView.extend({
  base: oid,
  head: oid,
  dots: z.enum(['..', '...']),
  mergeBase: oid.nullable(),
  /** From where the difference is counted. */
  from: oid,
  commits: z.array(logEntryView),
  hasMore: z.boolean(),
  timedOut: z.boolean(),
});

const blamedLinesView = z.object({
  commit: oid,
  path: z.string(),
  oid,
  lineCount: z.number(),
  from: z.number(),
  to: z.number(),
  /** How many commits are passed over, as the repository asks for. */
  ignored: z.number(),
  timedOut: z.boolean(),
  spans: z.array(z.object({ oid, line: z.number(), originalLine: z.number(), lines: z.number() })),
  commits: z.array(
    z.object({
      oid,
      authorName: z.string(),
      authorEmail: z.string(),
      authoredAt: z.string(),
      subject: z.string(),
      path: z.string(),
      previous: z.object({ commit: oid, path: z.string() }).nullable(),
    }),
  ),
});

/** Whose lines they are, or the `reason` why that cannot be said of this file. */
export const blameView = z.union([
  blamedLinesView,
  z.object({ commit: oid, path: z.string(), reason: z.string() }),
]);
