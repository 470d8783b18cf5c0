// An image before and after: where the browser fetches both, and how large they are.
import type { Forge } from '../forge/open.ts';
import type { DiffFile } from '../git/diff.ts';
import { encodePath, pathOfText } from '../git/git-path.ts';
import { readObject } from '../git/object-reader.ts';
import { bytes } from '../web/filters.ts';
import { repoPath } from './path.ts';

export interface ImageSide {
  title: 'Before' | 'After';
  href: string;
  size: string;
}

/** The raw files of both commits, as folders of addresses that end with a slash. */
export interface RawBases {
  old: string | undefined;
  new: string;
}

const noOid = /^0+$/;
const raster = /\.(?:png|jpe?g|gif|webp|avif|bmp|ico)$/i;
const drawn = /\.svg$/i;

/** Both sides of a file that is an image by its name; undefined for any other, and for one too large to show. */
export async function imagePair(
  forge: Forge,
  shown: { repoId: number; file: DiffFile; bases: RawBases | undefined },
): Promise<ImageSide[] | undefined> {
  const { file, bases } = shown;
  const isImage = (path: string) => (file.binary && raster.test(path)) || drawn.test(path);
  if (bases === undefined || !isImage(file.oldPath) || !isImage(file.newPath)) return undefined;
  const sides = await Promise.all([
    sideOf(forge, shown.repoId, { title: 'Before', base: bases.old, oid: file.oldOid, path: file.oldPath }),
    sideOf(forge, shown.repoId, { title: 'After', base: bases.new, oid: file.newOid, path: file.newPath }),
  ]);
  const found = sides.filter((side) => side !== undefined);
  return found.length > 0 ? found : undefined;
}

async function sideOf(
  forge: Forge,
  repoId: number,
  side: { title: ImageSide['title']; base: string | undefined; oid: string; path: string },
): Promise<ImageSide | undefined> {
  const { title, base, oid, path } = side;
  if (base === undefined || noOid.test(oid) || path.includes('\uFFFD')) return undefined;
  const object = await readObject(forge.git, repoPath(forge, repoId), { expression: oid, maxBytes: 0 });
  if (object === undefined || object.size > forge.config.limits.maxShownImageBytes) return undefined;
  const href = base + encodePath(pathOfText(path)) + (drawn.test(path) ? '?image=svg' : '');
  return { title, href, size: bytes(object.size) };
}
