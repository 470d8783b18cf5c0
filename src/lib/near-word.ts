/** Whether one word is the other, its beginning, or the other with a letter or two wrong, missing or too much. */
export function isNear(left: string, right: string): boolean {
  if (left.startsWith(right) || right.startsWith(left)) return right.length > 1;
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (const [i, letter] of left.split('').entries()) {
    const next = [i + 1];
    for (const [j, other] of right.split('').entries()) {
      const changed = (row[j] ?? 0) + Number(letter !== other);
      next.push(Math.min(changed, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return (row.at(-1) ?? 0) <= 2;
}
