import { z } from 'zod';

export const visibilities = ['private', 'public'] as const;
export type Visibility = (typeof visibilities)[number];

export const mergeMethods = ['merge', 'squash', 'fast-forward'] as const;
export type MergeMethod = (typeof mergeMethods)[number];

/** What somebody may do with one repository; each right includes the ones before it. */
export const rights = ['none', 'read', 'write', 'maintain'] as const;
export type Right = (typeof rights)[number];

export const includesRight = (held: Right, wanted: Right): boolean =>
  rights.indexOf(held) >= rights.indexOf(wanted);

/** First path parts that pages own, so nobody can be called like one of them. */
export const reservedOwners = [
  'api',
  'assets',
  'live',
  'login',
  'logout',
  'admin',
  'account',
  'inbox',
  'help',
  'search',
  'healthz',
  'readyz',
  'metrics',
  'ph',
  'new',
  'settings',
  'static',
  'favicon.ico',
  'robots.txt',
] as const;

const part = z
  .string()
  .max(64, 'a name has at most 64 characters')
  .regex(
    /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9_-])?$/i,
    'a name has letters, digits, dots, dashes and underscores, starts with a letter or digit and does not end with a dot',
  )
  .refine((name) => !/\.(git|lock)$/i.test(name), 'a name does not end with .git or .lock')
  .refine((name) => !name.includes('..'), 'a name has no two dots in a row');

export const ownerName = part.refine(
  (name) => !(reservedOwners as readonly string[]).includes(name.toLowerCase()),
  'this name is taken by a page of the forge',
);
export const repoName = part;

/** One component of a branch or tag name; git allows far more, options and shell text among it. */
const refComponent = /^[0-9A-Za-z][0-9A-Za-z._+@-]*$/;

/**
 * Why `name` (without refs/heads/) may not be a branch or tag, or undefined when it may.
 * The rules are those of the policy: see branches/policy.ts, which applies them to pushes.
 */
export function refNameProblem(name: string): string | undefined {
  if (name.length > 200) return 'a name has at most 200 bytes';
  if (name === 'HEAD' || name.startsWith('refs/')) return 'HEAD and refs/… are no names of branches';
  if (/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/i.test(name))
    return 'a name that looks like an object id is ambiguous';
  for (const component of name.split('/')) {
    if (!refComponent.test(component)) {
      return 'each part of a name starts with a letter or digit and has only letters, digits and . _ + @ -';
    }
    if (/\.lock$/i.test(component) || component.endsWith('.') || component.includes('..')) {
      return 'no part of a name ends with .lock or a dot, or has two dots in a row';
    }
    if (component.includes('@{')) return 'a name has no @{';
  }
  return undefined;
}

export const branchName = z.string().superRefine((name, context) => {
  const problem = refNameProblem(name);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
});

export interface Repo {
  id: number;
  owner: string;
  name: string;
  description: string;
  visibility: Visibility;
  defaultBranch: string;
  /** Somebody named the default branch; else the first push to the empty repository chooses it. */
  isDefaultChosen: boolean;
  mergeMethod: MergeMethod;
  /** Whether refs/notes/… may be pushed. */
  takesNotes: boolean;
  createdAt: number;
  pushedAt: number | undefined;
}

export const fullName = (repo: Pick<Repo, 'owner' | 'name'>): string => `${repo.owner}/${repo.name}`;

/** What a maintainer may change; what is left out stays as it is. */
export const repoChanges = z.strictObject({
  name: z.string().optional(),
  description: z.string().max(500, 'a description has at most 500 characters').optional(),
  visibility: z.enum(visibilities).optional(),
  defaultBranch: z.string().optional(),
  mergeMethod: z.enum(mergeMethods).optional(),
  takesNotes: z.boolean().optional(),
});
export type RepoChanges = z.infer<typeof repoChanges>;

export const repoRequest = z.strictObject({
  owner: z.string(),
  name: z.string(),
  visibility: z.enum(visibilities).optional(),
  defaultBranch: z.string().optional(),
  description: z.string().max(500, 'a description has at most 500 characters').optional(),
});

export const protectedPattern = z.strictObject({ pattern: z.string() });
export const protectedPatterns = z.strictObject({ patterns: z.array(z.string()).max(1000) });
export const protectedView = z.object({
  patterns: z.array(z.object({ pattern: z.string(), branches: z.array(z.string()), total: z.number() })),
});
export type ProtectedView = z.infer<typeof protectedView>;

export const repoView = z.object({
  owner: z.string(),
  name: z.string(),
  description: z.string(),
  visibility: z.enum(visibilities),
  defaultBranch: z.string(),
  mergeMethod: z.enum(mergeMethods),
  takesNotes: z.boolean(),
  url: z.string(),
  httpUrl: z.string(),
  sshUrl: z.string(),
});
export type RepoView = z.infer<typeof repoView>;
/** `after` is the `next` of the page before. */
export const repoListQuery = z.object({
  after: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(1000),
});
export const repoListView = z.object({
  repos: z.array(repoView),
  /** Null behind the last page. */
  next: z.string().nullable().default(null),
});

export const housekeepingStates = ['running', 'done', 'failed', 'interrupted'] as const;
export type HousekeepingState = (typeof housekeepingStates)[number];

export const memberRoles = ['read', 'write', 'maintain'] as const;
export type MemberRole = (typeof memberRoles)[number];
export const memberRequest = z.strictObject({ role: z.enum(memberRoles) });
export const memberView = z.object({
  name: z.string(),
  kind: z.enum(['person', 'agent', 'system']),
  role: z.enum(memberRoles),
});
export type Member = z.infer<typeof memberView>;
export const membersView = z.object({ owner: z.string(), members: z.array(memberView) });
