// The settings of tutorials: who writes them, and what that may take.
import { z } from 'zod';

const positive = z.number().int().min(1);

export const tutorialSettings = z
  .strictObject({
    /** Who explains branches: `outline` works here alone; the others send the difference to a program or a model. */
    writer: z.enum(['outline', 'command', 'anthropic', 'openai']).default('outline'),
    /** For `command`: the program with its arguments, and what its environment has beside PATH. */
    command: z.array(z.string().min(1)).default([]),
    environment: z.record(z.string(), z.string()).default({}),
    /** For the models: where they are reached, which one, and the file that holds the key. */
    baseUrl: z.url({ protocol: /^https?$/ }).optional(),
    model: z.string().default(''),
    keyFile: z.string().optional(),
    concurrency: positive.max(32).default(2),
    timeoutSeconds: positive.default(180),
    maxInputBytes: positive.default(300_000),
    maxAnswerBytes: positive.default(1024 * 1024),
    maxOutputTokens: positive.default(16_000),
    /** Hunks of one branch that one account may keep as viewed. */
    maxViewedHunks: positive.default(100_000),
    /** How often a failing writer is asked, and the wait before the second time; each further one doubles it. */
    maxAttempts: positive.default(4),
    retrySeconds: positive.default(30),
    maxRetrySeconds: positive.default(1800),
  })
  .prefault({})
  .refine(({ writer, command }) => writer !== 'command' || command.length > 0, {
    path: ['command'],
    message: 'the writer "command" needs the program to run, e.g. ["my-agent", "--json"]',
  })
  .refine(({ writer, model }) => (writer !== 'anthropic' && writer !== 'openai') || model !== '', {
    path: ['model'],
    message: 'a writer that asks a model needs its name',
  });
