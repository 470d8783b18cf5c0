import { z } from 'zod';

/** A day (`2026-11-21`) or a moment; a day means its beginning in `since`, and its end in `until`. */
const dayOrMoment = z.union(
  [z.iso.date(), z.iso.datetime({ offset: true })],
  'expected a day such as 2026-11-21, or a moment with its offset',
);
/** A field of a form that was left empty asks for nothing. */
const optional = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((value) => (value === '' ? undefined : value), schema.optional());

export const auditQuery = z.object({
  account: optional(z.string().trim().max(100)),
  /** An action or what it begins with: `webhook` is `webhook.add` too. */
  action: optional(z.string().trim().max(100)),
  /** `owner/name` is its branches too. */
  subject: optional(z.string().trim().max(300)),
  since: optional(dayOrMoment),
  until: optional(dayOrMoment),
  /** The `next` of the page before. */
  before: optional(z.coerce.number().int().min(1)),
});
export type AuditQuery = z.output<typeof auditQuery>;

export interface AuditEntry {
  id: number;
  at: number;
  account: string | undefined;
  credential: string;
  address: string;
  action: string;
  subject: string;
  detail: Record<string, unknown>;
}

export const auditEntryView = z.object({
  id: z.number(),
  at: z.string(),
  /** Null: nobody who is known; then the credential tells more. */
  account: z.string().nullable(),
  credential: z.string(),
  address: z.string(),
  action: z.string(),
  subject: z.string(),
  detail: z.record(z.string(), z.unknown()),
});
export type AuditEntryView = z.infer<typeof auditEntryView>;
export const auditListView = z.object({ entries: z.array(auditEntryView), next: z.number().nullable() });
