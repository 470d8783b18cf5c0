import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';

const blockBytes = 512;
// How many files are asked for at a time.
const batch = 64;

/** What a file or folder takes on the disk; stops where it is more than `enough`. No symbolic link is followed. */
export async function measureTree(path: string, enough: number): Promise<{ bytes: number; files: number }> {
  const extent = { bytes: 0, files: 0 };
  const folders = [path];
  const add = async (path: string): Promise<void> => {
    const there = await lstat(path).catch(() => undefined);
    if (there === undefined) return;
    extent.bytes += there.blocks * blockBytes;
    extent.files += 1;
    if (there.isDirectory()) folders.push(path);
  };
  const top = await lstat(path).catch(() => undefined);
  if (top === undefined) return extent;
  if (!top.isDirectory()) return { bytes: top.blocks * blockBytes, files: 1 };
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    let names: string[] = [];
    for await (const name of listNames(folder)) {
      names.push(name);
      if (names.length < batch) continue;
      await Promise.all(names.map((name) => add(join(folder, name))));
      names = [];
      if (extent.bytes > enough) return extent;
    }
    await Promise.all(names.map((name) => add(join(folder, name))));
    if (extent.bytes > enough) return extent;
  }
  return extent;
}

async function* listNames(folder: string): AsyncGenerator<string> {
  try {
    for await (const entry of await opendir(folder)) yield entry.name;
  } catch {
    // It went away while it was looked at, or cannot be read.
  }
}
