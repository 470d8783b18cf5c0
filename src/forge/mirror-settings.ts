// The settings of remotes: where they may be, and what reaching them may take.
import { z } from 'zod';
import { isAddressRange, isNameServer } from '../lib/address-range.ts';

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
    nameServers: z.array(z.string().refine(isNameServer, 'an address, or ADDRESS:PORT')).default([]),
    /** Certificates that are believed in the place of those of the system, in a PEM file. */
    caFile: z.string().optional(),
    connectSeconds: positive.max(600).default(20),
    /** A remote that sends nothing for so long is given up. */
    stallSeconds: positive.default(60),
    /** Of what git and the remote say in one run; the rest is dropped. */
    maxSaidBytes: positive.default(64 * 1024),
    maxRemotesPerRepo: positive.default(20),
    /** Remotes that are synced at once; one is never synced twice at a time. */
    maxSyncing: positive.max(64).default(4),
    /** Of one push to a remote, or one list of its refs. */
    timeoutSeconds: positive.default(900),
    /** Of the list of a remote's refs; 100,000 of them take about 8 MB. */
    maxListBytes: positive.default(64 * 1024 * 1024),
    /** Memory of each git that pushes to a remote or fetches from one, which may send refs without end. */
    maxGitMemoryBytes: positive.default(4 * 1024 * 1024 * 1024),
    /** Of the command line of one push; what does not fit goes with the next one. */
    maxCommandBytes: positive.max(1024 * 1024).default(128 * 1024),
    /** The wait after a failure; each further one in a row doubles it, up to the most. */
    retrySeconds: positive.default(15),
    maxRetrySeconds: positive.default(3600),
    /** Refs that one push names on its command line; more of them are laid out in a folder, but for those it deletes. */
    maxListedRefs: positive.default(50),
    /** What a remote has refused is tried again after so long, when nothing changed on either side. */
    retryRefusedMinutes: positive.default(30),
    /** A remote is looked at this often although nothing changed here. */
    checkMinutes: positive.default(60),
    keepDays: positive.default(30),
    /** Of one mirror, however young: one that is pushed to every minute would have 40,000 of them. */
    keepSyncs: positive.default(2000),
    /** Upstreams that are pulled at once, what one pull may take, and what the objects that it brings may be. */
    maxPulling: positive.max(16).default(2),
    pullMinutes: positive.default(120),
    maxPullBytes: positive.default(20 * 1024 * 1024 * 1024),
    maxPulledRefs: positive.default(100_000),
    /** Objects of Git LFS that move at once between the forge and one remote, and what all of one sync or pull may take. */
    maxLfsTransfers: positive.max(32).default(4),
    lfsMinutes: positive.max(7 * 24 * 60).default(120),
    /** Of one pull; the next one brings more. */
    maxPulledLfsObjects: positive.default(100_000),
    /** Of what another forge tells of a repository. */
    maxAnswerBytes: positive.default(1024 * 1024),
  })
  .prefault({});

export type MirrorSettings = z.infer<typeof mirrorSettings>;
