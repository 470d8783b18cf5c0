// What stands in a folder of backups, and how backups are told of over the API.
import { z } from 'zod';

/** Grows when a program could no longer read what an older one wrote. */
export const backupFormat = 1;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const bytes = z.number().int().min(0);

const sealedFile = z.object({ bytes, sha256 });

/** A pack of a repository, with its index: two files of that name. */
const storedPack = z.object({
  name: z.string().regex(/^pack-[0-9a-f]{40}$/),
  pack: sealedFile,
  index: sealedFile,
});
export type StoredPack = z.infer<typeof storedPack>;

const storedRepo = z.object({
  id: z.number().int().positive(),
  name: z.string(),
  /** The branch that HEAD names, without refs/heads/. */
  head: z.string().nullable(),
  refs: z.number().int().min(0),
  packs: z.array(storedPack),
});
export type StoredRepo = z.infer<typeof storedRepo>;

/** One backup. Its folder has this, the database, and the lists of refs and of files. */
export const manifestShape = z.object({
  format: z.literal(backupFormat),
  program: z.string(),
  /** The schema of the database. */
  schema: z.number().int(),
  /** When it began: every push that was answered before is in it. */
  at: z.iso.datetime(),
  endedAt: z.iso.datetime(),
  leftOut: z.array(z.enum(['logs', 'artifacts'])),
  /** What was lost before the backup was made, and so is not in it. */
  problems: z.array(z.string()),
  database: sealedFile,
  refs: sealedFile,
  files: sealedFile.extend({ count: z.number().int().min(0), contentBytes: bytes }),
  repos: z.array(storedRepo),
  /** What this backup added to the folder. */
  newBytes: bytes,
});
export type Manifest = z.infer<typeof manifestShape>;

/** What a folder says of the formats it is written in, whatever else a newer program puts into a manifest. */
export const manifestHead = z.object({ format: z.number().int(), schema: z.number().int() });

/** A file of the data folder; its bytes stand under their checksum. */
export const storedFile = z.object({
  /** From the data folder on. */
  path: z.string(),
  bytes,
  mtimeMs: z.number(),
  sha256,
});
export type StoredFile = z.infer<typeof storedFile>;

export const backupView = z.object({
  name: z.string(),
  at: z.string(),
  seconds: z.number(),
  repositories: z.number(),
  files: z.number(),
  bytes: z.number(),
  newBytes: z.number(),
  leftOut: z.array(z.enum(['logs', 'artifacts'])),
  problems: z.array(z.string()),
});
export type BackupView = z.infer<typeof backupView>;

export const backupsView = z.object({
  /** Null when no folder is set; then nothing is backed up by itself. */
  folder: z.string().nullable(),
  everyHours: z.number(),
  keep: z.number(),
  running: z.object({ startedAt: z.string(), doing: z.string() }).nullable(),
  nextAt: z.string().nullable(),
  /** Why the last one failed; null once one has succeeded. */
  failure: z.object({ at: z.string(), why: z.string() }).nullable(),
  backups: z.array(backupView),
});
export type BackupsView = z.infer<typeof backupsView>;
