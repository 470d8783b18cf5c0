// Reads refs from the files in which git keeps them (gitrepository-layout(5), git-pack-refs(1)), because a push asks
// for all of them several times and a git for each question costs more than the rest of it. Whatever looks unusual is
// left to git: the answer is undefined then, and never a guess.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';

/** Of more loose refs than this, git reads faster. At once and not in turns: each turn costs more than a file. */
const maxLoose = 200;
const maxKnown = 16;
const objectId = /^[0-9a-f]{40}$/;
/** What the forge itself lets through, and what git surely takes for a name. */
const plainName = /^refs(?:\/[0-9A-Za-z_+@-][0-9A-Za-z._+@-]*)+$/;

type Refs = ReadonlyMap<string, string>;

/** Full ref name → object id of everything under the prefixes (each ends with `/`), in the order of names. */
export async function readRefFiles(
  repo: string,
  prefixes: readonly string[],
): Promise<Map<string, string> | undefined> {
  if (!prefixes.every((prefix) => prefix.endsWith('/'))) return undefined;
  try {
    // Loose refs first: one that is packed meanwhile is then found in the packed ones, and never missed.
    const loose = readLoose(repo, prefixes);
    const packed = loose && (await readPacked(join(repo, 'packed-refs')));
    if (loose === undefined || packed === undefined) return undefined;
    return merge(packed, loose, prefixes);
  } catch {
    return undefined;
  }
}

/** The object id of one ref, `null` when there is no such ref; undefined when git has to be asked. */
export async function readRefFile(repo: string, ref: string): Promise<string | null | undefined> {
  if (!isPlain(ref)) return undefined;
  try {
    // First the loose one, as above.
    const text = readIfThere(join(repo, ref))?.trimEnd();
    if (text !== undefined) return objectId.test(text) ? text : undefined;
    const packed = await readPacked(join(repo, 'packed-refs'));
    return packed && (packed.get(ref) ?? null);
  } catch {
    return undefined;
  }
}

/**
 * Another text whenever one of those refs may stand elsewhere, at hardly any cost: of the packed ones only which file holds
 * them is asked. Undefined where the refs themselves cannot be read from files.
 */
export async function stampRefFiles(repo: string, prefixes: readonly string[]): Promise<string | undefined> {
  if (!prefixes.every((prefix) => prefix.endsWith('/'))) return undefined;
  try {
    const loose = readLoose(repo, prefixes);
    const packed = loose && versionOf(join(repo, 'packed-refs'));
    return loose && JSON.stringify([packed, ...loose]);
  } catch {
    return undefined;
  }
}

/** Both in the order of names; the packed ones are many and in order already. A loose one stands for the packed one. */
function merge(packed: Refs, loose: Refs, prefixes: readonly string[]): Map<string, string> {
  const merged = new Map<string, string>();
  const fresh = [...loose.keys()].sort();
  let at = 0;
  const takeFresh = (before: string | undefined) => {
    for (let name = fresh[at]; name !== undefined; name = fresh[at]) {
      if (before !== undefined && name > before) return;
      merged.set(name, loose.get(name) ?? '');
      at += 1;
    }
  };
  for (const [name, oid] of packed) {
    if (!prefixes.some((prefix) => name.startsWith(prefix))) continue;
    takeFresh(name);
    if (!loose.has(name)) merged.set(name, oid);
  }
  takeFresh(undefined);
  return merged;
}

function readLoose(repo: string, prefixes: readonly string[]): Map<string, string> | undefined {
  const folders = prefixes.map((prefix) => prefix.replace(/\/$/, ''));
  const names: string[] = [];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of listFolder(join(repo, folder))) {
      const name = `${folder}/${entry.name}`;
      if (entry.isDirectory()) folders.push(name);
      else if (!name.endsWith('.lock')) names.push(name);
      if (names.length + folders.length > maxLoose) return undefined;
    }
  }
  const refs = new Map<string, string>();
  for (const name of names) {
    const text = readIfThere(join(repo, name));
    // Deleted or packed since its folder was read.
    if (text === undefined) continue;
    if (!isPlain(name) || !objectId.test(text.trimEnd())) return undefined;
    refs.set(name, text.trimEnd());
  }
  return refs;
}

function listFolder(path: string) {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

interface Packed {
  /** Which file it was: git replaces it as a whole, so another content is another file. */
  version: string;
  refs: Refs;
}

const known = new Map<string, Packed>();

async function readPacked(path: string): Promise<Refs | undefined> {
  const before = known.get(path);
  const version = versionOf(path);
  if (version === undefined) return new Map();
  if (before?.version === version) return before.refs;
  const file = await open(path);
  try {
    const { dev, ino, size, mtimeNs } = await file.stat({ bigint: true });
    const refs = parsePacked(await file.readFile('latin1'));
    if (refs === undefined) return undefined;
    known.delete(path);
    known.set(path, { version: `${dev} ${ino} ${size} ${mtimeNs}`, refs });
    for (const oldest of known.keys()) if (known.size > maxKnown) known.delete(oldest);
    return refs;
  } finally {
    await file.close();
  }
}

function versionOf(path: string): string | undefined {
  try {
    const { dev, ino, size, mtimeNs } = statSync(path, { bigint: true });
    return `${dev} ${ino} ${size} ${mtimeNs}`;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Lines of `<object id> <name>`; those after `#` are about the file, those after `^` about the tag above. */
function parsePacked(text: string): Refs | undefined {
  const refs = new Map<string, string>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#') || line.startsWith('^')) continue;
    const [oid, name] = [line.slice(0, 40), line.slice(41)];
    if (!objectId.test(oid) || !isPlain(name)) return undefined;
    refs.set(name, oid);
  }
  return refs;
}

const isPlain = (name: string): boolean =>
  plainName.test(name) && !name.includes('..') && !name.includes('.lock/') && !name.endsWith('.');

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
