// The settings of what tells how the forge does: its log, its figures, and when it takes itself for ready.
import { z } from 'zod';

const positive = z.number().int().min(1);

export const healthSettings = z
  .strictObject({
    /** Holds the token with which `/metrics` may be read from elsewhere; without one only this machine and admins may. */
    metricsTokenFile: z.string().min(1).optional(),
    /** Whether programs on this machine may read `/metrics` without a token. */
    metricsFromHere: z.boolean().default(true),
    /** What is found out for `/readyz` is good for so long, however often it is asked for. */
    checkSeconds: positive.max(300).default(10),
    /** A check that takes longer counts as failed. */
    checkTimeoutSeconds: positive.max(60).default(5),
    /** A request whose answer begins later than this is logged as slow. */
    slowRequestMs: positive.default(2000),
    /** A pass of a loop that takes longer is told to the admins. */
    longPassMinutes: positive.default(30),
    /** With less free disk than this the admins are told, before it is too little to go on. */
    lowDiskMebibytes: positive.default(2048),
    /** The log goes here in place of standard error, and is rotated. */
    logFile: z.string().min(1).optional(),
    maxLogFileMebibytes: positive.max(4096).default(32),
    keepLogFiles: z.number().int().min(0).max(100).default(5),
  })
  .prefault({});
