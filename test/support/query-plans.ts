// Asks SQLite how it answers every statement of a piece of work: a statement that reads a whole table gets slower with
// every row that is ever written, and no clock is needed to see it.
import type { SqlParameters } from '../../src/db/open.ts';
import type { Forge } from '../../src/forge/open.ts';

/** A forge that notes for every statement the steps of its plan, e.g. `SEARCH a USING INDEX lane_attempts_live (state=?)`. */
export function notingPlans(forge: Forge): { forge: Forge; plans: Map<string, string[]> } {
  const { db } = forge;
  const plans = new Map<string, string[]>();
  const note = (sql: string, parameters?: SqlParameters): void => {
    if (plans.has(sql)) return;
    const steps = db.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, parameters);
    plans.set(
      sql,
      steps.map(({ detail }) => detail),
    );
  };
  const noting = new Proxy(db, {
    get: (target, name) => {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      return (...given: unknown[]): unknown => {
        const [sql, parameters] = given as [string, SqlParameters?];
        if (name === 'get' || name === 'all' || name === 'run') note(sql, parameters);
        return Reflect.apply(method, target, given);
      };
    },
  });
  return { forge: { ...forge, db: noting }, plans };
}
