// The settings of remotes: where they may be, and what reaching them may take.
import { z } from 'zod';
import { isAddressRange } from '../lib/address-range.ts';

const positive = z.number().int().min(1);

export const remoteSchemes = ['https', 'ssh', 'http', 'file'] as const;
export type RemoteScheme = (typeof remoteSchemes)[number];

export const mirrorSettings = z
  .strictObject({
    /** `http` sends credentials for everybody to read, and `file` opens what the forge's user can read. */
    allowedSchemes: z.array(z.enum(remoteSchemes)).default(['https', 'ssh']),
    /** Addresses and ranges (`10.1.0.0/16`) where remotes may be although they are not public. */
    allowedRanges: z
      .array(z.string().refine(isAddressRange, 'an address or a range such as 10.1.0.0/16'))
      .default([]),
    /** Asked in the place of those of the system, as `ADDRESS` or `ADDRESS:PORT`. */
    nameServers: z.array(z.string()).default([]),
    /** Certificates that are believed in the place of those of the system, in a PEM file. */
    caFile: z.string().optional(),
    connectSeconds: positive.max(600).default(20),
    /** A remote that sends nothing for so long is given up. */
    stallSeconds: positive.default(60),
    /** Of what git and the remote say in one run; the rest is dropped. */
    maxSaidBytes: positive.default(64 * 1024),
  })
  .prefault({});

export type MirrorSettings = z.infer<typeof mirrorSettings>;
