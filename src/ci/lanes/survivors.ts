// Finds and ends the programs of an attempt by the cookie in their environment, wherever `setsid` or a
// double fork has put them. Linux only: elsewhere there is no /proc, and nothing is found.
import { setTimeout as delay } from 'node:timers/promises';
import type { Kin } from './kin.ts';
import { listPids, procLink, readProc } from './proc.ts';

export const cookieName = 'PIKA_ATTEMPT_COOKIE';

export interface Survivor {
  pid: number;
  /** Its id in the innermost PID namespace; 1 is that namespace's first program, the sandbox itself. */
  innerPid: number;
  namespace: string;
}

const checkMs = 5;
const patienceMs = 5000;

/** Every living program whose environment has a cookie that starts with `prefix`. Zombies have no environment. */
export function findSurvivors(prefix: string, namespaces: ReadonlySet<string> = new Set()): Survivor[] {
  const found: Survivor[] = [];
  for (const pid of listPids()) {
    if (pid === process.pid) continue;
    const environment = readProc(`/proc/${pid}/environ`);
    const hasCookie =
      environment.startsWith(`${cookieName}=${prefix}`) || environment.includes(`\0${cookieName}=${prefix}`);
    // A program that emptied its environment is still known by the namespace it cannot leave.
    if (!hasCookie && namespaces.size === 0) continue;
    const namespace = procLink(`/proc/${pid}/ns/pid`);
    if (!hasCookie && (!namespaces.has(namespace) || isZombie(pid))) continue;
    found.push({ pid, innerPid: innerPidOf(pid), namespace });
  }
  return found;
}

/** The cookies, each once, of what lives and has one that starts with `prefix`. */
export function listCookies(prefix: string): string[] {
  const cookies = findSurvivors(prefix).flatMap(({ pid }) => {
    const variables = readProc(`/proc/${pid}/environ`).split('\0');
    const found = variables.find((variable) => variable.startsWith(`${cookieName}=${prefix}`));
    return found === undefined ? [] : [found.slice(cookieName.length + 1)];
  });
  return [...new Set(cookies)];
}

/** Asks the programs of the lane to end, but not the sandbox around them, whose end would be a SIGKILL for all. */
export function terminate(prefix: string, isNamespaced: boolean): void {
  const own = procLink('/proc/self/ns/pid');
  for (const { pid, innerPid, namespace } of findSurvivors(prefix)) {
    if (isNamespaced && (namespace === own || innerPid === 1)) continue;
    signal(pid, 'SIGTERM');
  }
}

/**
 * Kills until nothing is found any more; answers what is still there after five seconds of trying (a program that the kernel
 * cannot end now).
 */
export async function killSurvivors(prefix: string, hunt: Hunt = {}): Promise<Survivor[]> {
  const own = procLink('/proc/self/ns/pid');
  const namespaces = new Set<string>();
  const deadline = performance.now() + (hunt.patienceMs ?? patienceMs);
  for (;;) {
    const found = withKin(findSurvivors(prefix, namespaces), hunt.kin);
    for (const { namespace } of found) {
      if (namespace !== own && namespace !== '') namespaces.add(namespace);
    }
    if (found.length === 0 || performance.now() > deadline) return found;
    killOnce(found);
    await delay(checkMs);
  }
}

export function killOnce(survivors: readonly Survivor[]): void {
  for (const { pid } of survivors) signal(pid, 'SIGKILL');
}

export interface Hunt {
  /** Where no namespace holds them: those who have dropped the cookie. */
  kin?: Kin | undefined;
  patienceMs?: number;
}

function withKin(found: Survivor[], kin: Kin | undefined): Survivor[] {
  if (kin === undefined) return found;
  const known = new Map(found.map((survivor) => [survivor.pid, survivor]));
  const living = kin.living([...known.keys()]);
  return living.map((pid) => known.get(pid) ?? { pid, innerPid: pid, namespace: '' });
}

/** Kills what is left of a process group, with the sandbox that leads it. */
export function killGroup(leader: number | undefined): void {
  if (leader !== undefined) signal(-leader, 'SIGKILL');
}

const isZombie = (pid: number): boolean => /^State:\s+[ZX]/m.test(readProc(`/proc/${pid}/status`));

function innerPidOf(pid: number): number {
  const line = /^NSpid:\s+(.+)$/m.exec(readProc(`/proc/${pid}/status`));
  return Number(line?.[1]?.split(/\s+/).at(-1) ?? pid);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It is gone already, which is what was wanted.
  }
}
