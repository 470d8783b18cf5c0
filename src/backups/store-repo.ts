// Brings a repository into the folder of backups: where its refs stand, and one pack of what the folder does not have of it.
import { existsSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Forge } from '../forge/open.ts';
import { createBareRepo, readHead } from '../git/bare-repo.ts';
import { packBeside, type PackOrder } from '../git/pack-beside.ts';
import { listRefs } from '../git/refs.ts';
import { GitError } from '../git/run.ts';
import { listMissing } from '../git/unreadable.ts';
import { fullName, type Repo } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';
import { packStore } from './folder.ts';
import type { StoredPack, StoredRepo } from './model.ts';
import { sumOfFile } from './store-file.ts';

const minuteMs = 60_000;

/** The packs that the folder has of the repository, and what they reach: the tips of the backup before. */
export interface Base {
  packs: StoredPack[];
  refs: ReadonlyMap<string, string>;
}

export interface RepoOrder {
  folder: string;
  repo: Repo;
  base: Base | undefined;
  signal: AbortSignal | undefined;
}

export interface RepoAnswer {
  stored: StoredRepo;
  refs: Map<string, string>;
  problems: string[];
  newBytes: number;
}

/** Nothing that the repository has lost keeps the rest of it from being stored; it is told in `problems`. */
export async function storeRepo(forge: Forge, order: RepoOrder): Promise<RepoAnswer> {
  const { folder, repo } = order;
  const path = repoPath(forge, repo.id);
  const name = fullName(repo);
  const stored: StoredRepo = { id: repo.id, name, head: null, refs: 0, packs: [] };
  if (!existsSync(path)) {
    const problems = [`${name}: its bare repository is gone`];
    return { stored, refs: new Map(), problems, newBytes: 0 };
  }
  const refs = await listRefs(forge.git, path, ['refs/']);
  const base = await usableBase(forge, order);
  const had = new Set(base.refs.values());
  const wanted = [...new Set(refs.values())].filter((oid) => !had.has(oid));
  const problems: string[] = [];
  let fresh: StoredPack | undefined;
  if (wanted.length > 0) {
    await makeStore(forge, folder, repo);
    const place = { repo: path, store: packStore(folder, repo.id), wanted, had: [...had] };
    const packed = await pack(forge, place, order);
    for (const oid of packed.lost) {
      for (const [ref, at] of refs) if (at === oid) refs.delete(ref);
    }
    problems.push(...packed.problems.map((problem) => `${name}: ${problem}`));
    if (packed.name !== undefined) fresh = await sealPack(place.store, packed.name, order.signal);
  }
  const isKnown = base.packs.some(({ name: known }) => known === fresh?.name);
  stored.packs = fresh === undefined || isKnown ? base.packs : [...base.packs, fresh];
  stored.head = (await readHead(path).catch(() => undefined)) ?? null;
  stored.refs = refs.size;
  const newBytes = fresh === undefined || isKnown ? 0 : fresh.pack.bytes + fresh.index.bytes;
  return { stored, refs, problems, newBytes };
}

/** Without its base a repository is stored wholly: when a pack of it is gone, and when they have become many. */
async function usableBase(forge: Forge, { folder, repo, base }: RepoOrder): Promise<Base> {
  const none: Base = { packs: [], refs: new Map() };
  if (base === undefined || base.packs.length >= forge.config.backups.maxPacksPerRepo) return none;
  const store = packStore(folder, repo.id);
  for (const { name, pack: sealed, index } of base.packs) {
    const sizes = await Promise.all(
      [`${name}.pack`, `${name}.idx`].map(
        async (file) => (await stat(join(store, 'pack', file)).catch(() => undefined))?.size,
      ),
    );
    if (sizes[0] !== sealed.bytes || sizes[1] !== index.bytes) return none;
  }
  return base;
}

async function makeStore(forge: Forge, folder: string, repo: Repo): Promise<void> {
  const store = packStore(folder, repo.id);
  if (!existsSync(join(dirname(store), 'HEAD'))) {
    await createBareRepo(forge.git, dirname(store), repo.defaultBranch);
  }
  await mkdir(join(store, 'pack'), { recursive: true, mode: 0o700 });
}

interface Packed {
  name: string | undefined;
  /** Tips that are gone. */
  lost: string[];
  problems: string[];
}

async function pack(
  forge: Forge,
  place: { repo: string; store: string; wanted: readonly string[]; had: readonly string[] },
  { signal }: RepoOrder,
): Promise<Packed> {
  const order = { ...place, timeoutMs: forge.config.backups.packMinutes * minuteMs, signal };
  try {
    return { name: await packBeside(forge.git, order), lost: [], problems: [] };
  } catch (error) {
    if (!(error instanceof GitError) || isFull(error)) throw error;
    return packWhatIsLeft(forge, order, error);
  }
}

/** The tips that the folder is said to reach may be what is damaged, so everything is looked at anew. */
async function packWhatIsLeft(forge: Forge, order: PackOrder, failure: GitError): Promise<Packed> {
  const { repo, wanted } = order;
  const [why = ''] = failure.stderr.trim().replaceAll(`${repo}/`, '').split('\n');
  const problems = [`objects are missing or damaged, and so are they in the backup: ${why}`];
  const lost = await listMissing(forge.git, repo, wanted);
  const left = wanted.filter((oid) => !lost.has(oid));
  if (left.length === 0) return { name: undefined, lost: [...lost], problems };
  try {
    const name = await packBeside(forge.git, { ...order, wanted: left, had: [], lenient: true });
    return { name, lost: [...lost], problems };
  } catch (error) {
    if (!(error instanceof GitError) || isFull(error)) throw error;
    return {
      name: undefined,
      lost: [...wanted],
      problems: [...problems, 'nothing new of it could be packed'],
    };
  }
}

const isFull = (error: GitError): boolean => /No space left on device/.test(error.stderr);

async function sealPack(store: string, name: string, signal: AbortSignal | undefined): Promise<StoredPack> {
  const [sealed, index] = await Promise.all(
    ['pack', 'idx'].map((ending) => sumOfFile(join(store, 'pack', `${name}.${ending}`), signal)),
  );
  if (sealed === undefined || index === undefined) throw new TypeError('a pack has two files');
  return { name, pack: sealed, index };
}
