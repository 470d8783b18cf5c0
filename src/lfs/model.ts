// The shapes of Git LFS: pointers (git-lfs, docs/spec.md), batches (docs/api/batch.md), locks (docs/api/locking.md).
import { z } from 'zod';

const hexHash = /^[0-9a-f]{64}$/;
export const maxPointerBytes = 1024;
const versions = ['https://git-lfs.github.com/spec/v1', 'https://hawser.github.com/spec/v1'];

export interface Pointer {
  /** SHA-256 of the content, in hex. */
  oid: string;
  /** Bytes. */
  size: number;
}

/** What a blob points to when its text is a pointer of Git LFS; undefined for any other text. */
export function parsePointer(text: string): Pointer | undefined {
  if (text.length >= maxPointerBytes || !text.startsWith('version ')) return undefined;
  const [first = '', ...lines] = text.trimEnd().split('\n');
  if (!versions.includes(first.slice('version '.length))) return undefined;
  if (!lines.every((line) => /^[a-z0-9.-]+ \S/.test(line))) return undefined;
  const valueOf = (key: string) =>
    lines.find((line) => line.startsWith(`${key} `))?.slice(key.length + 1) ?? '';
  const oid = /^sha256:([0-9a-f]{64})$/.exec(valueOf('oid'))?.[1];
  const size = /^\d{1,15}$/.test(valueOf('size')) ? Number(valueOf('size')) : undefined;
  return oid === undefined || size === undefined ? undefined : { oid, size };
}

export const isObjectId = (text: string): boolean => hexHash.test(text);

export const objectRequest = z.object({
  oid: z.string().regex(hexHash, 'an object is named by 64 small hexadecimal digits'),
  size: z.coerce.number().int('a size is a whole number of bytes').min(0, 'a size is not negative'),
});

/** Fields of later versions are read over, as the manual asks. */
export const batchRequest = z.object({
  operation: z.enum(['download', 'upload'], 'the operation is download or upload'),
  transfers: z.array(z.string()).min(1).nullish(),
  hash_algo: z.string().nullish(),
  objects: z.array(z.object({ oid: z.string(), size: z.number() })),
});
export type BatchRequest = z.infer<typeof batchRequest>;

export interface BatchAction {
  href: string;
  header?: Record<string, string>;
  expires_in: number;
}

/** An object to transfer, one that needs no transfer (an upload of what is there), or why it cannot be. */
export interface BatchObject extends Pointer {
  authenticated?: true;
  actions?: { download: BatchAction } | { upload: BatchAction };
  error?: { code: number; message: string };
}

export interface BatchAnswer {
  transfer: 'basic';
  hash_algo: 'sha256';
  objects: BatchObject[];
}

const maxLockPath = 4096;

export const lockedPath = z
  .string()
  .min(1, 'a lock needs a path')
  .max(maxLockPath, `a path has at most ${maxLockPath} characters`)
  .refine(
    (path) => !path.split('/').some((part) => part === '' || part === '.' || part === '..'),
    'a path is relative to the top of the repository and has no empty part, . or ..',
  )
  .refine((path) => !path.includes('\0'), 'a path has no NUL');

export const lockRequest = z.object({ path: lockedPath });
export const unlockRequest = z.object({ force: z.boolean().nullish() });

const page = {
  cursor: z.string().nullish(),
  limit: z.coerce.number().int().min(1, 'a limit is at least 1').nullish(),
};
export const verifyRequest = z.object(page);
export const listRequest = z.object({ ...page, path: z.string().nullish(), id: z.string().nullish() });

export interface Lock {
  id: number;
  path: string;
  owner: string;
  ownerId: number;
  lockedAt: number;
}

export interface LockView {
  id: string;
  path: string;
  locked_at: string;
  owner: { name: string };
}

export const lockViewOf = ({ id, path, owner, lockedAt }: Lock): LockView => ({
  id: String(id),
  path,
  locked_at: new Date(lockedAt).toISOString(),
  owner: { name: owner },
});
