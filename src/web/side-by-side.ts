// The rows of a hunk laid side by side: a context line stands on both sides, and a block of removed lines beside the
// block of added ones behind it, first beside first.

interface Row {
  kind: 'context' | 'added' | 'removed';
}

export interface SideCell<R extends Row> {
  side: 'old' | 'new';
  /** Undefined where the other side has more lines. */
  row: R | undefined;
}

export interface SideRow<R extends Row> {
  cells: [old: SideCell<R>, young: SideCell<R>];
  /** What stands in the cells, once each: threads below it belong to one of these. */
  rows: R[];
}

export function sideBySide<R extends Row>(rows: readonly R[]): SideRow<R>[] {
  const pairs: SideRow<R>[] = [];
  for (let at = 0; at < rows.length;) {
    const row = rows[at];
    if (row?.kind === 'context') {
      pairs.push(pairOf(row, row));
      at += 1;
      continue;
    }
    const removed = takeWhile(rows, at, 'removed');
    const added = takeWhile(rows, at + removed.length, 'added');
    const height = Math.max(removed.length, added.length);
    for (let index = 0; index < height; index += 1) pairs.push(pairOf(removed[index], added[index]));
    at += removed.length + added.length;
  }
  return pairs;
}

function pairOf<R extends Row>(old: R | undefined, young: R | undefined): SideRow<R> {
  const rows = [
    ...(old === undefined ? [] : [old]),
    ...(young === undefined || young === old ? [] : [young]),
  ];
  return {
    cells: [
      { side: 'old', row: old },
      { side: 'new', row: young },
    ],
    rows,
  };
}

function takeWhile<R extends Row>(rows: readonly R[], from: number, kind: R['kind']): R[] {
  let end = from;
  while (rows[end]?.kind === kind) end += 1;
  return rows.slice(from, end);
}
