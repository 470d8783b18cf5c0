// The one way to SQLite. WAL, foreign keys on, one writer (this process); statements are cached by text.
import { open } from 'node:fs/promises';
import Database from 'better-sqlite3';

export type SqlValue = string | number | bigint | Buffer | null;
export type SqlParameters = Record<string, SqlValue>;

/** About a millisecond each. */
const pagesPerStep = 128;
/** 8 MiB. */
const stepsPerSync = 16;

export class Db {
  readonly #handle: Database.Database;
  readonly #statements = new Map<string, Database.Statement>();
  readonly #transact: Database.Transaction<(body: () => unknown) => unknown>;
  /** Whether a commit returns before it is on the disk; only ever within `relaxedTransaction`. */
  #isRelaxed = false;

  constructor(path: string) {
    this.#handle = new Database(path);
    this.#handle.pragma('journal_mode = WAL');
    this.#handle.pragma('synchronous = FULL');
    this.#handle.pragma('foreign_keys = ON');
    this.#handle.pragma('busy_timeout = 5000');
    this.#transact = this.#handle.transaction((body) => body());
  }

  /** The first row of a query, or undefined. `Row` is the caller's promise about the selected columns. */
  get<Row>(sql: string, parameters: SqlParameters = {}): Row | undefined {
    return this.#prepare(sql).get(parameters) as Row | undefined;
  }

  all<Row>(sql: string, parameters: SqlParameters = {}): Row[] {
    return this.#prepare(sql).all(parameters) as Row[];
  }

  /** Runs a statement that writes; answers the number of changed rows and the last inserted row id. */
  run(sql: string, parameters: SqlParameters = {}): { changes: number; lastId: number } {
    const result = this.#prepare(sql).run(parameters);
    return { changes: result.changes, lastId: Number(result.lastInsertRowid) };
  }

  /** Another text once anything was written, by this process or by another: what was read before may have changed. */
  mark(): string {
    const own = this.get<{ changes: number }>('SELECT total_changes() AS changes')?.changes;
    return JSON.stringify([own, this.#handle.pragma('data_version', { simple: true })]);
  }

  /** Runs several statements; only for migrations and tests. */
  exec(sql: string): void {
    this.#commitTo('disk');
    this.#handle.exec(sql);
  }

  /** One immediate transaction: committed when `body` returns, rolled back when it throws. It may nest. */
  transaction<Result>(body: () => Result): Result {
    this.#commitTo('disk');
    return this.#transact.immediate(body) as Result;
  }

  /**
   * As `transaction`, but does not wait for the disk: only a power cut takes it back, and only together with everything after
   * it, for the next `transaction` brings all before it to the disk. For what would just be done again. Within another
   * transaction it is a part of that one.
   */
  relaxedTransaction<Result>(body: () => Result): Result {
    this.#commitTo('memory');
    return this.#transact.immediate(body) as Result;
  }

  /** A consistent copy of the whole database, taken at once: nobody else is served in the meantime. */
  copyTo(path: string): void {
    this.#prepare('VACUUM INTO :path').run({ path });
  }

  /**
   * A consistent copy as of the moment in which this resolves, taken in small steps between which others are served;
   * what they write goes into it too. `onStep` may throw to give it up.
   */
  async copyBeside(path: string, onStep: () => void): Promise<void> {
    let steps = 0;
    let syncing: Promise<void> | undefined;
    const progress = (): number => {
      onStep();
      steps += 1;
      // SQLite waits at the end until all of it is on the disk, and everybody with it: most of it shall be there by then.
      if (steps % stepsPerSync === 0) syncing ??= syncFile(path).finally(() => (syncing = undefined));
      return pagesPerStep;
    };
    await this.#handle.backup(path, { progress }).finally(() => syncing);
  }

  close(): void {
    this.#handle.close();
  }

  #prepare(sql: string): Database.Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#handle.prepare(sql);
      this.#statements.set(sql, statement);
    }
    if (!statement.readonly) this.#commitTo('disk');
    return statement;
  }

  /** Asked before each write and set only when it changes, for setting it costs as much as a small query. */
  #commitTo(where: 'disk' | 'memory'): void {
    const isRelaxed = where === 'memory';
    if (this.#isRelaxed === isRelaxed || this.#handle.inTransaction) return;
    this.#handle.pragma(`synchronous = ${isRelaxed ? 'NORMAL' : 'FULL'}`);
    this.#isRelaxed = isRelaxed;
  }
}

/** What cannot be brought to the disk now is told by SQLite at the end. */
async function syncFile(path: string): Promise<void> {
  const file = await open(path).catch(() => undefined);
  await file
    ?.datasync()
    .catch(() => undefined)
    .finally(() => file.close());
}
