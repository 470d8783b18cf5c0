// Who may import whom. Each rule takes the sources and answers its problems as sentences.
import { posix } from 'node:path';
import { importsOf, type Import, type Source } from './sources.ts';

const ground = ['forge', 'git', 'db', 'lib', 'web'];
const domains = [
  'backups',
  'accounts',
  'repos',
  'transport',
  'branches',
  'ci',
  'lfs',
  'mirror',
  'tutorials',
  'browse',
  'reviews',
  'inbox',
  'mail',
  'landing',
  'help',
  'webhooks',
  'health',
  'retention',
];

/** The table of ARCHITECTURE: a folder of src and the folders it may import from, beside itself. */
const mayImport: Record<string, readonly string[]> = {
  lib: [],
  git: ['lib'],
  db: ['lib'],
  web: ['lib'],
  forge: ['db', 'git', 'lib'],
  accounts: ground,
  repos: ['accounts', ...ground],
  transport: ['repos', 'accounts', ...ground],
  branches: ['repos', 'accounts', ...ground],
  // Commits go out and come in with the large files that they name.
  mirror: ['lfs', 'repos', 'accounts', ...ground],
  lfs: ['repos', 'accounts', ...ground],
  browse: ['lfs', 'repos', 'accounts', ...ground],
  ci: ['branches', 'repos', 'accounts', ...ground],
  tutorials: ['branches', 'repos', 'accounts', ...ground],
  reviews: ['tutorials', 'ci', 'branches', 'repos', 'accounts', ...ground],
  // What needs somebody is said by every room that decides about branches, CI and the queue too.
  inbox: ['landing', 'reviews', 'tutorials', 'ci', 'branches', 'repos', 'accounts', ...ground],
  // It tells what stands in the inboxes.
  mail: ['inbox', 'ci', 'branches', 'repos', 'accounts', ...ground],
  // How the forge is used; it knows the words of the others and none of their code.
  help: ['accounts', ...ground],
  landing: ['reviews', 'tutorials', 'ci', 'branches', 'repos', 'accounts', ...ground],
  // It tells what happened in the rooms below, and finds reviews and landings by their rows.
  webhooks: ['ci', 'branches', 'repos', 'accounts', ...ground],
  // It copies what the rooms below keep, and compares it again when it is brought back.
  backups: ['lfs', 'ci', 'branches', 'repos', 'accounts', ...ground],
  // How every room does is said in one place.
  health: [...domains, ...ground],
  // What may go is decided over all rooms whose things pile up.
  retention: ['reviews', 'tutorials', 'ci', 'branches', 'lfs', 'repos', 'accounts', ...ground],
  front: [...domains, ...ground],
  ph: ['lib'],
  // Whoever starts the program puts everything together.
  operator: [...domains, ...ground, 'front', 'server', 'reactions'],
  server: [...domains, ...ground, 'front', 'reactions'],
  reactions: [...domains, ...ground, 'front'],
  main: ['operator', 'lib'],
};

const privateFiles = ['store.ts', 'api.ts', 'pages.ts'];
/** The files of a domain that speak HTTP, or shape what HTTP answers, and so may use `web`. */
const webFiles = /^(?:api|pages|guard|hook|live|.*view|route-.*)\.ts$/;

/** `src/ci/scheduler/claim.ts` → `ci`; `src/server.ts` → `server`. */
const roomOf = (path: string): string => posix.basename(path.split('/')[1] ?? '', '.ts');
/** `model.ts`, or `<thing>-model.ts` where a domain has models of several things. */
const isModel = (path: string): boolean => /^(?:[a-z-]+-)?model\.ts$/.test(posix.basename(path));
/** A lane that somebody runs here with `ph run` is read and selected as the forge does it, by the same code. */
const isSharedWithPh = (path: string): boolean =>
  /^src\/ci\/(?:manifest\/(?:manifest|manifest-refusal|policy|selection)|lanes\/survivors)\.ts$/.test(path);

const innerImports = (sources: readonly Source[]): Import[] =>
  sources
    .filter(({ path }) => path.startsWith('src/'))
    .flatMap(importsOf)
    .filter((entry) => !entry.isPackage && entry.to.startsWith('src/'));

export function wrongDirections(sources: readonly Source[]): string[] {
  return innerImports(sources)
    .filter(({ from, to }) => {
      const [source, target] = [roomOf(from), roomOf(to)];
      if (source === target) return false;
      if (source === 'ph' && (isModel(to) || isSharedWithPh(to))) return false;
      return !(mayImport[source] ?? []).includes(target);
    })
    .map(({ from, to }) => `${from} imports ${to}: ${roomOf(from)} may not import ${roomOf(to)}`);
}

export function foreignPrivates(sources: readonly Source[]): string[] {
  return innerImports(sources)
    .filter(({ from, to }) => {
      const name = posix.basename(to);
      if (roomOf(from) === roomOf(to) || !privateFiles.includes(name)) return false;
      // The server mounts the routes of every domain; nobody reaches into another's tables.
      return name === 'store.ts' || roomOf(from) !== 'server';
    })
    .map(({ from, to }) => `${from} imports ${to}, which is private to ${roomOf(to)}`);
}

/** In a domain only the files that speak HTTP use `web`, so that a verb can be called from anywhere. */
export function webOutsideRoutes(sources: readonly Source[]): string[] {
  return innerImports(sources)
    .filter(({ from, to }) => domains.includes(roomOf(from)) && roomOf(to) === 'web')
    .filter(({ from }) => !webFiles.test(posix.basename(from)))
    .map(({ from, to }) => `${from} imports ${to}: only the routes of a domain use web`);
}

export function impureModels(sources: readonly Source[]): string[] {
  return sources
    .filter(({ path }) => path.startsWith('src/') && isModel(path))
    .flatMap(importsOf)
    .filter(({ to, isPackage }) => (isPackage ? to !== 'zod' : !isModel(to) && roomOf(to) !== 'lib'))
    .map(({ from, to }) => `${from} imports ${to}: a model imports models, lib and zod alone`);
}

/** One problem for each ring of files that import each other. */
export function importCycles(sources: readonly Source[]): string[] {
  const edges = new Map<string, string[]>();
  for (const { from, to } of innerImports(sources)) edges.set(from, [...(edges.get(from) ?? []), to]);
  const problems: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) problems.push(`a ring of imports: ${[...trail.slice(start), path].join(' → ')}`);
    if (start >= 0 || done.has(path)) return;
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of edges.keys()) visit(path, []);
  return problems;
}

/** What runs a lane, in its thread or on a node, never loads the database or the forge. */
export const laneThreadReach = (sources: readonly Source[]): string[] =>
  reachOf(sources, {
    starts: ['src/ci/lanes/lane-thread.ts', 'src/ci/agents/program/main.ts'],
    unwanted: ['db', 'forge'],
    what: 'the lane thread reaches what it must not',
  });

/** Nor does `ph` load any part of a server, or git's, which belongs to the forge. */
export const companionReach = (sources: readonly Source[]): string[] =>
  reachOf(sources, {
    starts: sources
      .map(({ path }) => path)
      .filter((path) => roomOf(path) === 'ph' && path.startsWith('src/')),
    unwanted: ['db', 'forge', 'git', 'web'],
    what: 'ph reaches what it must not',
  });

function reachOf(
  sources: readonly Source[],
  { starts, unwanted, what }: { starts: string[]; unwanted: string[]; what: string },
): string[] {
  const edges = innerImports(sources).filter(({ typeOnly }) => !typeOnly);
  const trails = new Map(starts.map((start) => [start, start]));
  for (const [path, trail] of trails) {
    for (const { from, to } of edges) {
      if (from === path && !trails.has(to)) trails.set(to, `${trail} → ${to}`);
    }
  }
  return [...trails]
    .filter(([path]) => unwanted.includes(roomOf(path)))
    .map(([, trail]) => `${what}: ${trail}`);
}

/** Dependencies with sharp edges, each known to one folder only. */
const homes: Record<string, string> = {
  'better-sqlite3': 'db',
  nunjucks: 'web',
  piscina: 'web',
  'highlight.js': 'web',
  'markdown-it': 'web',
  ssh2: 'transport',
  pino: 'lib',
  '@noble/secp256k1': 'lib',
  '@scure/base': 'lib',
  'express-rate-limit': 'web',
  '@simplewebauthn/server': 'accounts',
  '@modelcontextprotocol/sdk': 'ph',
  esbuild: 'lib',
  'prom-client': 'health',
};

export function strayDependencies(sources: readonly Source[]): string[] {
  return sources
    .filter(({ path }) => path.startsWith('src/'))
    .flatMap(importsOf)
    .filter(({ from, to, isPackage }) => isPackage && homes[to] !== undefined && homes[to] !== roomOf(from))
    .map(({ from, to }) => `${from} imports ${to}, which only src/${homes[to]} may`);
}
