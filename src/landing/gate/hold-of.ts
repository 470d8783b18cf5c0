import type { GateHold, HoldKind } from '../model.ts';

/** A hold that stays until somebody does something; `more` may say that it passes by itself. */
export const holdOf = (
  kind: HoldKind,
  says: { message: string; wayOut: string },
  more: Partial<Pick<GateHold, 'lane' | 'since' | 'resolves'>> = {},
): GateHold => ({ kind, ...says, resolves: 'somebody', ...more });

/** `a, b and 3 more`. */
export function someOf(names: readonly string[], most = 5): string {
  if (names.length > most) return `${names.slice(0, most).join(', ')} and ${names.length - most} more`;
  const last = names.at(-1) ?? '';
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} and ${last}`;
}

export const countOf = (count: number, thing: string): string => `${count} ${thing}${count === 1 ? '' : 's'}`;
