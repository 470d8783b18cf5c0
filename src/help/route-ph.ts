// ph as one file, from the forge that it is for: `curl -fsSL https://HOST/ph | sh` installs it, `/ph/ph` is the program.
import { Router, type Response } from 'express';
import type { Forge } from '../forge/open.ts';
import { openCompanion } from './bundle-ph.ts';

export function companionRoutes(forge: Forge, version: string): Router {
  const router = Router();
  const companion = openCompanion(forge, version);
  router.get('/ph', async (_request, response) => sendText(response, (await companion()).installer));
  router.get('/ph/ph', async (_request, response) => sendText(response, (await companion()).program));
  return router;
}

/** Plain text, so that who does not pipe it into a shell can read it. */
const sendText = (response: Response, text: string): void =>
  void response.set('Cache-Control', 'no-cache').type('text/plain').send(text);
