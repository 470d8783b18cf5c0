// Steps by what files are for, tests beside their sources, in the order in which a reader builds up understanding.
import { pathOf } from '../../repos/file-view.ts';
import { joinParts, type Group, type Part } from './group.ts';
import { roleOf, roles, sourceOfTest, type Role } from './roles.ts';

interface Bucket {
  role: Role;
  /** A folder, or `''` for what stands together wherever it is. */
  place: string;
  parts: Part[];
}

// So few changed files of a folder only connect what the others bring.
const maxConnecting = 2;
const maxInterfaceTogether = 10;
const maxNamed = 3;

export function groupByRole(parts: readonly Part[], maxGroups: number): Group[] {
  const buckets = connect(sortIn(parts));
  const ordered = buckets.sort((a, b) => rankOf(a) - rankOf(b));
  return joinSmallest(distinct(ordered.map(roleGroup)), maxGroups);
}

function sortIn(parts: readonly Part[]): Bucket[] {
  const paths = new Set(parts.map(({ file }) => pathOf(file)));
  const shown = parts.filter(({ file }) => roleOf(pathOf(file)) === 'interface').length;
  const buckets = new Map<string, Bucket>();
  for (const part of parts) {
    const path = pathOf(part.file);
    // A test explains the source it tests, so both are read together.
    const home = sourceOfTest(path, paths) ?? path;
    const role = roleOf(home);
    const hasPlace = role === 'core' || (role === 'interface' && shown > maxInterfaceTogether);
    const place = hasPlace ? folderOf(home) : '';
    const bucket = buckets.get(`${role} ${place}`) ?? { role, place, parts: [] };
    bucket.parts.push(part);
    buckets.set(`${role} ${place}`, bucket);
  }
  return [...buckets.values()];
}

const connecting = 'what connects it';

/** Folders of code with next to nothing new in them become one step, when others have more to say. */
function connect(buckets: Bucket[]): Bucket[] {
  const isSmall = ({ role, parts }: Bucket) =>
    role === 'core' && parts.length <= maxConnecting && parts.every(({ file }) => file.status !== 'added');
  const small = buckets.filter(isSmall);
  const isLone = small.length < 2 && small.every(({ place }) => place.includes('/'));
  if (isLone || small.length === buckets.filter(({ role }) => role === 'core').length) return buckets;
  const parts = small.reduce<Part[]>((joined, bucket) => joinParts(joined, bucket.parts), []);
  return [...buckets.filter((bucket) => !isSmall(bucket)), { role: 'core', place: connecting, parts }];
}

/** By role; of the code what others are connected to first, the larger before the smaller. */
function rankOf({ role, place, parts }: Bucket): number {
  const last = place === connecting ? 0.9 : 0.8 / (1 + parts.length);
  return roles.indexOf(role) + (role === 'core' ? last : 0);
}

function roleGroup(bucket: Bucket): Group {
  const { role, place, parts } = bucket;
  const names = stemsOf(parts);
  const where = place === '' || place === connecting ? '' : ` in ${place}`;
  return {
    title: `${titleOf(bucket)}${names === '' ? '' : `: ${names}`}`,
    intent: `${intents[role](place === connecting)} ${verbOf(parts)} ${countOf(parts)}${where}.`,
    prose: '',
    parts: [...parts],
    folded: false,
  };
}

function titleOf({ role, place, parts }: Bucket): string {
  if (place === connecting) return 'Connect it';
  if (role !== 'core') return titles[role];
  if (parts.some(({ file }) => file.status === 'added')) return `New in ${place || 'the top folder'}`;
  const verb = verbOf(parts);
  return `${verb === 'Removes' ? 'Gone from' : verb === 'Renames' ? 'Renamed in' : 'Changes in'} ${place || 'the top folder'}`;
}

const titles: Record<Exclude<Role, 'core'>, string> = {
  schema: 'The shape of the data',
  interface: 'What people see',
  test: 'Tests',
  documentation: 'Documentation',
  setup: 'Settings and tools',
};

const intents: Record<Role, (isConnecting: boolean) => string> = {
  schema: () => 'What is stored, which the rest builds on.',
  core: (isConnecting) => (isConnecting ? 'Where the rest of the program meets it.' : 'What it does.'),
  interface: () => 'What reaches the people who use it.',
  test: () => 'What holds it.',
  documentation: () => 'What is told of it.',
  setup: () => 'What it needs around it.',
};

/** The names that tell most: of new sources before changed ones, the larger first. */
function stemsOf(parts: readonly Part[]): string {
  const isTest = ({ file }: Part) => roleOf(pathOf(file)) === 'test';
  const told = parts.some((part) => !isTest(part)) ? parts.filter((part) => !isTest(part)) : parts;
  const fresh = told.filter(({ file }) => file.status === 'added');
  const chosen = fresh.length > 0 ? fresh : told;
  const stems = chosen
    .toSorted((a, b) => b.file.added + b.file.removed - a.file.added - a.file.removed)
    .map(({ file }) => stemOf(pathOf(file)));
  const shown = [...new Set(stems)];
  const more = shown.length > maxNamed ? ` and ${shown.length - maxNamed} more` : '';
  return `${shown.slice(0, maxNamed).join(', ')}${more}`;
}

function verbOf(parts: readonly Part[]): string {
  const every = (is: (part: Part) => boolean) => parts.every(is);
  if (every(({ file }) => file.status === 'added')) return 'Adds';
  if (every(({ file }) => file.status === 'deleted')) return 'Removes';
  if (every(({ file }) => file.status === 'renamed' && file.hunks.length === 0)) return 'Renames';
  return 'Changes';
}

const countOf = ({ length }: readonly Part[]): string => (length === 1 ? 'one file' : `${length} files`);

/** Two steps of one name would not be told apart. */
function distinct(groups: Group[]): Group[] {
  const seen = new Map<string, number>();
  return groups.map((group) => {
    const count = (seen.get(group.title) ?? 0) + 1;
    seen.set(group.title, count);
    return count === 1 ? group : { ...group, title: `${group.title} (${count})` };
  });
}

function joinSmallest(groups: readonly Group[], maxGroups: number): Group[] {
  const kept = [...groups];
  while (kept.length > maxGroups) {
    const sizes = kept
      .slice(0, -1)
      .map((group, index) => group.parts.length + (kept[index + 1]?.parts.length ?? 0));
    const at = sizes.indexOf(Math.min(...sizes));
    const [first, second] = kept.slice(at, at + 2);
    if (first === undefined || second === undefined) break;
    kept.splice(at, 2, {
      ...first,
      title: `${first.title}; ${second.title.charAt(0).toLowerCase()}${second.title.slice(1)}`.slice(0, 100),
      intent: `${first.intent} ${second.intent}`.slice(0, 300),
      parts: joinParts(first.parts, second.parts),
    });
  }
  return kept;
}

const folderOf = (path: string): string => path.split('/').slice(0, -1).slice(0, 3).join('/');
const stemOf = (path: string): string => {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const dot = name.indexOf('.', 1);
  const stem = dot > 0 ? name.slice(0, dot) : name;
  // Migrations are counted in front of their names.
  return stem.replace(/^\d+[-_](?=\D)/, '');
};
