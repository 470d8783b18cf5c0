// Git LFS over HTTP: large files beside git, stored once by their hash.
import type { RequestHandler } from 'express';
import type { Forge } from '../forge/open.ts';
import { lfsRoutes } from './api.ts';
import { sweepLfs } from './sweep.ts';
import { Transfers } from './transfers.ts';

export interface Lfs {
  /** Mounted before the body parsers: objects are read as streams. */
  httpRoutes: RequestHandler;
}

export async function openLfs(forge: Forge): Promise<Lfs> {
  await sweepLfs(forge);
  return { httpRoutes: lfsRoutes(forge, new Transfers(forge)) };
}
