// What the program that runs a lane away from the forge is given on its standard input, or by whoever imports it. None
// of it stands in an argument or in the environment, which others on the machine may read.
import { z } from 'zod';
import { tiers } from '../lanes/lane-message.ts';

export const agentStart = z.strictObject({
  /** The origin of the forge as the node reaches it. */
  url: z.url({ protocol: /^https?$/ }),
  /** For one attempt, and used up by the first who takes it. */
  credential: z.string().min(1),
  /** A folder of the node for checkouts; everything below it that the program makes, it removes. */
  scratch: z.string().startsWith('/'),
  /** PATH for git, the sandbox and the lane. */
  path: z.string().min(1),
  sandbox: z.enum(['auto', ...tiers]).default('auto'),
  allowUnsandboxed: z.boolean().default(false),
  /** What the scheduler of the cluster calls this execution, and the machine; shown to people. */
  job: z.string().max(200).default(''),
  node: z.string().max(200).default(''),
});
export type AgentStart = z.output<typeof agentStart>;

/** How the program ends; an operator of the cluster sees them. */
export const agentExits = {
  /** The forge has taken the result, whatever it is. */
  told: 0,
  /** The forge was not reached for as long as the lease lasted. */
  unreachable: 69,
  /** The program itself failed. */
  failed: 70,
  /** The claim was refused or lost: somebody else has it, or nobody wants it any more. */
  refused: 75,
} as const;
