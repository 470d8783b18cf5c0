// The settings of lanes that run away from the forge: what their programs may take of it at once.
import { z } from 'zod';

const positive = z.number().int().min(1);

export const agentSettings = z
  .strictObject({
    /** Commits with their history that are packed and sent at the same time; who comes later asks again. */
    maxPacks: positive.max(256).default(8),
    packSeconds: positive.default(1800),
    /** A program that sends or reads nothing for so long is let go, and begins again. */
    stallSeconds: positive.default(60),
    maxResultBytes: positive.default(4 * 1024 * 1024),
  })
  .prefault({});
