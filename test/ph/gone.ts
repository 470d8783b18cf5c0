import { readFileSync } from 'node:fs';
import { expect, vi } from 'vitest';

/** A program that has ended may be listed until the first one of the machine asks for it. */
function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Resolves when nothing of that number lives any more. */
export const isGone = (pid: number) => vi.waitFor(() => expect(isAlive(pid)).toBe(false), 60_000);
