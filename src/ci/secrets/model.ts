// A secret of a repository, as people set and see it.
import { z } from 'zod';

/** A secret of a repository as people see it; its value is sealed and never shown. */
export interface Secret {
  name: string;
  /** Patterns of the branches that may have it. */
  refs: string[];
  updatedAt: number;
  updatedByName: string | undefined;
}

const forgeVariables = new Set(['PATH', 'HOME', 'TMPDIR', 'CI', 'LANG', 'LD_PRELOAD', 'LD_LIBRARY_PATH']);

/** Why `name` may not be a secret's, or undefined when it may: lanes find it in their environment under that name. */
export function secretNameProblem(name: string): string | undefined {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name)) {
    return 'a name has 1 to 128 letters, digits and underscores, and does not start with a digit';
  }
  if (name.startsWith('PIKA_')) return 'names that start with PIKA_ belong to the forge';
  return forgeVariables.has(name) ? 'lanes are given this variable by the forge' : undefined;
}

/** What is left out stays as it is. */
export const secretRequest = z.strictObject({
  value: z.string().optional(),
  refs: z.array(z.string()).max(50, 'a secret has at most 50 patterns').optional(),
});

export const secretView = z.object({
  name: z.string(),
  refs: z.array(z.string()),
  updatedAt: z.string(),
  updatedBy: z.string().nullable(),
});
export type SecretView = z.infer<typeof secretView>;
export const secretListView = z.object({ secrets: z.array(secretView) });
