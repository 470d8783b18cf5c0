// What a file is, as far as a page wants to know: text in an encoding, an image, something else, or too much to show.
import type { Forge } from '../forge/open.ts';
import { readObject } from '../git/object-reader.ts';
import { parsePointer, type Pointer } from '../lfs/model.ts';
import { ForgeError } from '../lib/errors.ts';
import { repoPath } from '../repos/path.ts';
import { imageTypeOf } from './image-type.ts';

export type FileContent =
  | { kind: 'text'; text: string; encoding: 'UTF-8' | 'UTF-16' | 'Latin-1' }
  | { kind: 'image'; type: string }
  /** Its bytes are with Git LFS; the file in git only says which they are. */
  | { kind: 'lfs'; pointer: Pointer }
  | { kind: 'binary' }
  | { kind: 'large' };

export interface ShownFile {
  oid: string;
  /** In bytes. */
  size: number;
  content: FileContent;
}

// Where git looks for a NUL to call a file binary.
export const sniffedBytes = 8000;

/** The blob `oid` of a repository; its text only up to `limits.maxShownFileBytes`. */
export async function readFileOf(forge: Forge, repoId: number, oid: string): Promise<ShownFile> {
  const maxBytes = forge.config.limits.maxShownFileBytes;
  const object = await readObject(forge.git, repoPath(forge, repoId), { expression: oid, maxBytes });
  if (object?.type !== 'blob') {
    throw missingContent();
  }
  const { size, content } = object;
  return { oid, size, content: content === undefined ? { kind: 'large' } : contentOf(content) };
}

export const missingContent = (): ForgeError =>
  new ForgeError(
    'unavailable',
    'The content of this file is missing from the repository or damaged. An admin finds which with pika-git doctor.',
  );

export function contentOf(bytes: Buffer): FileContent {
  const type = imageTypeOf(bytes);
  if (type !== undefined) return { kind: 'image', type };
  const wide = wideText(bytes);
  if (wide !== undefined) return { kind: 'text', text: wide, encoding: 'UTF-16' };
  if (isBinary(bytes)) return { kind: 'binary' };
  const text = utf8Text(bytes);
  const pointer = text === undefined ? undefined : parsePointer(text);
  if (pointer !== undefined) return { kind: 'lfs', pointer };
  if (text !== undefined) return { kind: 'text', text, encoding: 'UTF-8' };
  return { kind: 'text', text: new TextDecoder('latin1').decode(bytes), encoding: 'Latin-1' };
}

/** By the rule of git: a NUL near the start. */
export const isBinary = (bytes: Buffer): boolean => bytes.subarray(0, sniffedBytes).includes(0);

function utf8Text(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function wideText(bytes: Buffer): string | undefined {
  const isLittle = bytes[0] === 0xff && bytes[1] === 0xfe;
  const isBig = bytes[0] === 0xfe && bytes[1] === 0xff;
  if (!isLittle && !isBig) return undefined;
  try {
    return new TextDecoder(isLittle ? 'utf-16le' : 'utf-16be', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
