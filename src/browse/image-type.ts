// Which image a file is by its first bytes, never by its name: a name is whatever somebody pushed.

const signatures: readonly [type: string, start: string][] = [
  ['image/png', '\x89PNG\r\n\x1a\n'],
  ['image/jpeg', '\xff\xd8\xff'],
  ['image/gif', 'GIF87a'],
  ['image/gif', 'GIF89a'],
  ['image/bmp', 'BM'],
  ['image/x-icon', '\0\0\x01\0'],
];

/** The type of a raster image that browsers show without running anything, or undefined. */
export function imageTypeOf(bytes: Buffer): string | undefined {
  const start = bytes.toString('latin1', 0, 16);
  if (start.startsWith('RIFF') && start.slice(8, 12) === 'WEBP') return 'image/webp';
  if (/^ftypavi[fs]$/.test(start.slice(4, 12))) return 'image/avif';
  const found = signatures.find(([, signature]) => start.startsWith(signature))?.[0];
  // Two letters alone begin many a text.
  if (found === 'image/bmp' && !bytes.subarray(0, 64).includes(0)) return undefined;
  return found;
}
