// Git over SSH, HTTP and the system's sshd. All ask the same desk, so they cannot differ in who may do what.
import type { RequestHandler } from 'express';
import type { Forge } from '../forge/open.ts';
import { gitRoutes } from './api.ts';
import type { RunningProgram } from './command-client.ts';
import { Desk, type PushRules, type ShellRules } from './desk.ts';
import { openLocalFront } from './local-front.ts';
import { SshFront } from './ssh-front.ts';

export interface Transport {
  /** Where the SSH server listens. */
  sshAddress: { host: string; port: number };
  /** Mounted before the body parsers: packs are read as streams. */
  httpRoutes: RequestHandler;
  /** Git clients that are served, and that wait for a place. */
  clients(): { served: number; waiting: number };
  /** The id of the SSH process. */
  sshProcessId(): number | undefined;
  /** Ends every service in progress and the SSH process. */
  stop(): Promise<void>;
}

/** Starts the SSH server; refuses (`unavailable`) when it cannot listen. */
export async function openTransport(
  forge: Forge,
  rooms: { pushes: PushRules; shells: ShellRules },
): Promise<Transport> {
  const desk = new Desk(forge, rooms);
  const ssh = new SshFront(forge, desk);
  const services = new Set<RunningProgram>();
  const port = await ssh.start();
  const local = await openLocalFront({ forge, desk, services });
  return {
    sshAddress: { host: forge.config.ssh.host, port },
    httpRoutes: gitRoutes(forge, { desk, services }),
    clients: () => desk.clients(),
    sshProcessId: () => ssh.processId,
    stop: async () => {
      for (const service of services) service.stop();
      await Promise.all([ssh.stop(), local.stop()]);
      await Promise.all([...services].map((service) => service.ended.catch(() => undefined)));
    },
  };
}
