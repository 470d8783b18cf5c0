import type { RunningGit } from './spawner.ts';

const graceMs = 5000;

/** Ends a git that leads a group: TERM lets it remove lock files and half-written packs; who does not end by it is killed. */
export function stopGroup(child: RunningGit): void {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const { pid } = child;
  if (pid === undefined) return void child.on('spawn', () => stopGroup(child));
  signalGroup(pid, 'SIGTERM');
  const timer = setTimeout(() => signalGroup(pid, 'SIGKILL'), graceMs);
  child.on('close', () => clearTimeout(timer));
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // The group has ended by itself.
  }
}
