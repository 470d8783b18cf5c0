// What the soak knows about its branches: where each stands for sure, and where a push that was cut off may have
// left it. A push that was answered ok must be there afterwards; one that was not may be whole or absent.

export interface Work {
  /** The branch without refs/heads/. */
  name: string;
  /** Where it is to stand; undefined when it is to be gone. */
  to: string | undefined;
}

export class Ledger {
  /** The branches that stand, and where. */
  readonly #sure = new Map<string, string>();
  readonly #open: { work: Work; from: string | undefined; ok: boolean | undefined }[] = [];
  #taken = 0;

  newName(): string {
    this.#taken += 1;
    return `b${this.#taken}`;
  }

  names(): string[] {
    return [...this.#sure.keys()];
  }

  headOf(name: string): string | undefined {
    return this.#sure.get(name);
  }

  /** Says that work begins; the answer is called with whether it was answered ok. */
  begin(work: Work): (ok: boolean) => void {
    const entry: { work: Work; from: string | undefined; ok: boolean | undefined } = {
      work,
      from: this.#sure.get(work.name),
      ok: undefined,
    };
    this.#open.push(entry);
    return (ok) => (entry.ok = ok);
  }

  /** Compares with the refs as they are and takes them for sure; answers what is wrong, and how much was answered ok. */
  settle(refs: ReadonlyMap<string, string>): { faults: string[]; answered: number } {
    const faults: string[] = [];
    const works = this.#open.splice(0);
    const touched = new Set(works.map(({ work }) => work.name));
    for (const { work, from, ok } of works) {
      const now = refs.get(work.name);
      const what = `${work.name}: ${from ?? 'nothing'} → ${work.to ?? 'nothing'}`;
      if (ok === true && now !== work.to)
        faults.push(`${what} was answered ok, but it stands at ${now ?? 'nothing'}`);
      else if (now !== work.to && now !== from) faults.push(`${what}, but it stands at ${now ?? 'nothing'}`);
    }
    for (const [name, oid] of this.#sure) {
      if (!touched.has(name) && refs.get(name) !== oid)
        faults.push(
          `${name} stood at ${oid} and was not touched, but stands at ${refs.get(name) ?? 'nothing'}`,
        );
    }
    for (const name of refs.keys())
      if (!touched.has(name) && !this.#sure.has(name)) faults.push(`${name} came from nowhere`);
    this.#sure.clear();
    for (const [name, oid] of refs) this.#sure.set(name, oid);
    return { faults, answered: works.filter(({ ok }) => ok === true).length };
  }
}
