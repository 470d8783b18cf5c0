// Looks for many byte patterns in one walk (Aho and Corasick): a trie with a link from each node to the longest suffix
// of it that is a node too. The nodes near the root, where nearly every step is taken, have whole rows of answers;
// behind them nodes have one child nearly always, and long patterns would make rows cost too much memory.

const none = -1;
const maxRows = 4096;

export class Automaton {
  readonly #trie: Trie;
  readonly #fail: Int32Array;
  /** The longest pattern that ends at a node, in bytes. */
  readonly #matched: Int32Array;
  /** For each of the first nodes, where each byte leads to. */
  readonly #rows: Int32Array;
  readonly #rowCount: number;

  constructor(patterns: readonly Buffer[]) {
    this.#trie = breadthFirst(new Trie(patterns));
    const { size } = this.#trie;
    this.#fail = new Int32Array(size);
    this.#matched = Int32Array.from(this.#trie.ends);
    this.#rowCount = Math.min(size, maxRows);
    this.#rows = new Int32Array(this.#rowCount * 256);
    for (let node = 0; node < size; node += 1) this.#link(node);
  }

  /**
   * Walks over `bytes` from a place on, and tells the end and the length of the longest pattern that ends at each place
   * where one does; answers the state after the last byte.
   */
  walk(
    bytes: Buffer,
    { from, state }: { from: number; state: number },
    found: (end: number, length: number) => void,
  ): number {
    // All in variables of this function: it is called for every byte that lanes print.
    const [rows, rowCount, matched] = [this.#rows, this.#rowCount, this.#matched];
    let node = state;
    for (let at = from; at < bytes.length; at += 1) {
      const byte = bytes[at] ?? 0;
      node = node < rowCount ? (rows[node * 256 + byte] ?? 0) : this.#next(node, byte);
      const length = node === 0 ? 0 : (matched[node] ?? 0);
      if (length > 0) found(at + 1, length);
    }
    return node;
  }

  #next(state: number, byte: number): number {
    let node = state;
    while (node >= this.#rowCount) {
      const child = this.#trie.child(node, byte);
      if (child !== none) return child;
      node = this.#fail[node] ?? 0;
    }
    return this.#rows[node * 256 + byte] ?? 0;
  }

  /** How many bytes before now are the beginning of a pattern. */
  depth(state: number): number {
    return this.#trie.depths[state] ?? 0;
  }

  /** Nodes come breadth first: the node that this one's link leads to is complete. */
  #link(node: number): void {
    const fail = this.#fail[node] ?? 0;
    if (node < this.#rowCount && node > 0) this.#rows.copyWithin(node * 256, fail * 256, fail * 256 + 256);
    this.#matched[node] = Math.max(this.#matched[node] ?? 0, this.#matched[fail] ?? 0);
    for (const [byte, child] of this.#trie.children(node)) {
      this.#fail[child] = node === 0 ? 0 : this.#next(fail, byte);
      if (node < this.#rowCount) this.#rows[node * 256 + byte] = child;
    }
  }
}

class Trie {
  /** A node's first child, and the byte that leads to it; further ones have a table. */
  readonly #byte: Int16Array;
  readonly #child: Int32Array;
  readonly #tables = new Map<number, Int32Array>();
  readonly depths: Int32Array;
  /** The length of the pattern that ends at a node, or 0. */
  readonly ends: Int32Array;
  size = 1;

  constructor(patterns: readonly Buffer[], room = 1 + patterns.reduce((sum, { length }) => sum + length, 0)) {
    this.#byte = new Int16Array(room).fill(none);
    this.#child = new Int32Array(room);
    this.depths = new Int32Array(room);
    this.ends = new Int32Array(room);
    for (const pattern of patterns) this.#insert(pattern);
  }

  child(node: number, byte: number): number {
    if (this.#byte[node] === byte) return this.#child[node] ?? none;
    return this.#tables.get(node)?.[byte] ?? none;
  }

  children(node: number): [byte: number, child: number][] {
    const byte = this.#byte[node] ?? none;
    const first: [number, number][] = byte === none ? [] : [[byte, this.#child[node] ?? 0]];
    const table = this.#tables.get(node);
    if (table === undefined) return first;
    return [...first, ...[...table.entries()].filter(([, child]) => child !== none)];
  }

  add(node: number, byte: number, child: number): void {
    this.depths[child] = (this.depths[node] ?? 0) + 1;
    if (this.#byte[node] === none) {
      this.#byte[node] = byte;
      this.#child[node] = child;
      return;
    }
    const table = this.#tables.get(node) ?? new Int32Array(256).fill(none);
    table[byte] = child;
    this.#tables.set(node, table);
  }

  #insert(pattern: Buffer): void {
    let node = 0;
    for (const byte of pattern) {
      let child = this.child(node, byte);
      if (child === none) {
        child = this.size;
        this.size += 1;
        this.add(node, byte, child);
      }
      node = child;
    }
    this.ends[node] = pattern.length;
  }
}

/** The same trie with its nodes numbered from the root outwards. */
function breadthFirst(trie: Trie): Trie {
  const ordered = new Trie([], trie.size);
  const nodes = [0];
  for (let at = 0; at < nodes.length; at += 1) {
    const node = nodes[at] ?? 0;
    ordered.ends[at] = trie.ends[node] ?? 0;
    for (const [byte, child] of trie.children(node)) {
      ordered.add(at, byte, nodes.length);
      nodes.push(child);
    }
  }
  ordered.size = nodes.length;
  return ordered;
}
