// The settings of mail: a server that takes it, and the limits of what is sent.
import { z } from 'zod';

const positive = z.number().int().min(1);

export const mailSettings = z
  .strictObject({
    /** The SMTP server that takes what the forge sends; without one the forge sends no mail. */
    host: z.string().min(1).optional(),
    port: positive.max(65_535).default(587),
    /** `starttls` and `tls` refuse a server that offers no encryption. */
    security: z.enum(['starttls', 'tls', 'none']).default('starttls'),
    user: z.string().min(1).optional(),
    passwordFile: z.string().optional(),
    /** Who the mails are from: `pika-git <git@example.org>`. */
    from: z.string().default(''),
    /** What happens to a branch within this time is told in one mail. */
    digestSeconds: z.number().int().min(0).default(60),
    timeoutSeconds: positive.max(600).default(30),
    maxAttempts: positive.default(10),
    /** The wait before the second attempt; each further one doubles it, up to the most. */
    retrySeconds: positive.default(60),
    maxRetrySeconds: positive.default(4 * 3600),
    maxQueued: positive.default(10_000),
    /** A link that confirms an address is good for so long, and one account may ask for another so often. */
    confirmHours: positive.default(24),
    askMinutes: positive.default(5),
    keepDays: positive.default(14),
  })
  .prefault({})
  .refine(({ host, from }) => host === undefined || from !== '', {
    path: ['from'],
    message: 'a forge that sends mail needs the address that it is from',
  })
  .refine(({ from }) => from === '' || /^[^@]*[^\s@<]@[^\s@>]+>?\s*$/.test(from), {
    path: ['from'],
    message: 'an address such as git@example.org, or pika-git <git@example.org>',
  })
  .refine(({ user, passwordFile }) => (user === undefined) === (passwordFile === undefined), {
    path: ['passwordFile'],
    message: 'a mail server that wants a name wants a password too: set user and passwordFile, or neither',
  });
