// Who is killed in the soak of CI: a program of a lane, the thread of one, or the forge with all of them.
import { readFileSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { cookieName } from '../../src/ci/lanes/survivors.ts';
import type { CiScene } from './ci-work.ts';
import { processesOf } from './victims.ts';

export const ciVictims = ['a lane thread', 'the forge', 'a program of a lane'] as const;
export type CiVictim = (typeof ciVictims)[number];

export function chooseCiVictim(random: () => number): CiVictim {
  const dice = random();
  return dice < 0.45 ? 'a program of a lane' : dice < 0.8 ? 'a lane thread' : 'the forge';
}

/** Kills at once; false when there was nobody of that kind. */
export async function strikeCi(
  scene: CiScene,
  { victim, until }: { victim: CiVictim; until: Promise<unknown> },
): Promise<boolean> {
  switch (victim) {
    case 'a program of a lane':
      // A lane is short, so the blow falls when one begins.
      await Promise.race([scene.beacons.next(), until]);
      return strikeProgram(scene);
    case 'a lane thread': {
      const answer = await askInside(scene, `thread ${scene.random()}`).catch(() => '');
      if (answer !== '') scene.threadStrikes += 1;
      return answer !== '';
    }
    case 'the forge':
      scene.old = processesOf(scene.served.data);
      return kill(scene.served.pid);
  }
}

/** Any one of its programs: the sandbox, its first program, the shell or what the shell started. */
function strikeProgram({ beacons, random, struck }: CiScene): boolean {
  const lanes = beacons.list();
  const lane = lanes[Math.floor(random() * lanes.length)];
  if (lane === undefined) return false;
  const name = `${lane.attempt}-${lane.token}`;
  const pids = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && isOf(pid, name));
  const pid = pids[Math.floor(random() * pids.length)];
  if (pid === undefined) return false;
  struck.add(name);
  return kill(Number(pid));
}

function isOf(pid: string, name: string): boolean {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, 'latin1');
    return environment.split('\0').some((entry) => {
      const [key, value = ''] = entry.split('=');
      return key === cookieName && value.endsWith(`.${name}.`);
    });
  } catch {
    return false;
  }
}

function kill(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}

/** An order for test/soak/inside.ts, and its answer. */
export function askInside({ socket }: CiScene, order: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const connection = connect(socket, () => connection.write(`${order}\n`));
  let answer = '';
  connection.setEncoding('utf8').on('data', (text: string) => (answer += text));
  connection.on('error', reject);
  connection.on('close', () => resolve(answer));
  return promise;
}
