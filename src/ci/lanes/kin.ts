// Knows the programs of an attempt that dropped the cookie from their environment. Where there is no PID namespace, a
// program is of the attempt when it descends from one that is, shares its session or its process group, lies in its
// cgroup, or has the attempt's folder open.
import { listPidsOfCgroup } from './cgroup.ts';
import { listPids, listProc, procLink, readStat } from './proc.ts';

interface Program {
  pid: number;
  parent: number;
  group: number;
  session: number;
  /** Clock ticks since the machine started: with the pid, the same program for certain. */
  startedAt: number;
  isDead: boolean;
}

export class Kin {
  readonly #leader: number;
  readonly #folder: string;
  readonly #cgroup: string | undefined;
  /** By pid, also those that have ended: their children and their sessions live on. */
  readonly #known = new Map<number, Program>();

  /** `leader` is the program that was started, at the head of a session of its own. */
  constructor(order: { leader: number; folder: string; cgroup: string | undefined }) {
    this.#leader = order.leader;
    this.#folder = order.folder;
    this.#cgroup = order.cgroup;
    // At once: when it has gone, its session would mean nothing any more.
    const leader = readProgram(order.leader);
    if (leader !== undefined) this.#known.set(leader.pid, leader);
  }

  /** Meets everybody who has come since; `cookied` are those who are known by their cookie. */
  look(cookied: readonly number[] = []): Program[] {
    const all = listPrograms();
    const sure = new Set([this.#leader, ...cookied, ...listPidsOfCgroup(this.#cgroup ?? '')]);
    for (const program of all) if (sure.has(program.pid)) this.#known.set(program.pid, program);
    // A grandchild may stand before its parent in the list.
    for (let before = -1; before !== this.#known.size;) {
      before = this.#known.size;
      for (const program of all) if (this.#isKin(program)) this.#known.set(program.pid, program);
    }
    return all.filter((program) => !program.isDead && isSame(this.#known.get(program.pid), program));
  }

  /** As `look`, and also by what lies open; for the end, because it looks at every program of the machine. */
  living(cookied: readonly number[]): number[] {
    const holders = listPrograms().filter(({ pid }) => pid !== process.pid && holds(pid, this.#folder));
    const living = this.look([...cookied, ...holders.map(({ pid }) => pid)]).map(({ pid }) => pid);
    // The leader takes in what loses its parent, so it ends after everybody else.
    const others = living.filter((pid) => pid !== this.#leader);
    return others.length > 0 ? others : living;
  }

  #isKin(program: Program): boolean {
    if (isSame(this.#known.get(program.pid), program)) return false;
    const relatives = [program.parent, program.group, program.session].map((pid) => this.#known.get(pid));
    // A pid may have been given away again since: whoever descends from it has started later than it.
    return relatives.some((relative) => relative !== undefined && relative.startedAt <= program.startedAt);
  }
}

const isSame = (known: Program | undefined, program: Program): boolean =>
  known?.startedAt === program.startedAt;

const listPrograms = (): Program[] => listPids().flatMap((pid) => readProgram(pid) ?? []);

/** proc_pid_stat(5): state parent group session … start time as the 22nd field of all. */
function readProgram(pid: number): Program | undefined {
  const [state, parent, group, session, ...rest] = readStat(pid);
  if (state === undefined) return undefined;
  return {
    pid,
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    startedAt: Number(rest[15]),
    isDead: state === 'Z' || state === 'X',
  };
}

/** Whether it works in the folder or has a file of it open. */
function holds(pid: number, folder: string): boolean {
  const isInside = (path: string) => path === folder || path.startsWith(`${folder}/`);
  const isOpen = (fd: string): boolean => isInside(procLink(`/proc/${pid}/fd/${fd}`));
  return isInside(procLink(`/proc/${pid}/cwd`)) || listProc(`/proc/${pid}/fd`).some(isOpen);
}
