// What a client must know of a forge before it has a credential.
import { z } from 'zod';

export const forgeView = z.object({
  origin: z.string(),
  sshHost: z.string(),
  sshPort: z.number(),
  version: z.string(),
});
