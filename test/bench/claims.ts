// How many lanes a second can be claimed and finished, every step fenced by its token and in a transaction of its own.
import { claimLanes } from '../../src/ci/scheduler/claim.ts';
import { finishAttempt } from '../../src/ci/scheduler/finish.ts';
import type { Forge } from '../../src/forge/open.ts';
import { openTestForge } from '../support/forge.ts';
import { makeLanes } from './made-lanes.ts';
import { median, timed, type Figure } from './measure.ts';

const rounds = 5;
// Enough that the program is as warm as one that has run for a minute.
const lanesPerRound = 2000;
const batch = 50;

export async function measureClaims(): Promise<Figure[]> {
  const single = await measureRate(1);
  const batched = await measureRate(batch);
  const how = `median of ${rounds} rounds of ${lanesPerRound.toLocaleString('en')} lanes, a transaction for each step, none of which waits for the disk`;
  return [
    { what: 'claim and finish, one lane at a time', value: `${single} / s`, how },
    { what: `claim and finish, ${batch} claimed at once`, value: `${batched} / s`, how },
  ];
}

async function measureRate(concurrency: number): Promise<string> {
  const settings = { ci: { concurrency, sandbox: 'none' } };
  const test = await openTestForge({ settings });
  try {
    await makeLanes(test, { ended: 0, queued: concurrency });
    const rates: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      let spent = 0;
      for (let done = 0; done < lanesPerRound; done += concurrency) {
        spent += await timed(() => claimAndFinish(test.forge, concurrency));
        queueAgain(test.forge);
      }
      rates.push(lanesPerRound / (spent / 1000));
    }
    return Math.round(median(rates)).toLocaleString('en');
  } finally {
    await test.dispose();
  }
}

function claimAndFinish(forge: Forge, expected: number): void {
  const claims = claimLanes(forge, { owner: 'bench', sandbox: 'none', unsatisfiable: undefined });
  if (claims.length !== expected) throw new Error(`${claims.length} of ${expected} lanes were claimed`);
  for (const claim of claims) finishAttempt(forge, claim, { state: 'success', exitCode: 0 });
}

const queueAgain = (forge: Forge): void =>
  forge.db
    .exec(`UPDATE lane_attempts SET state = 'queued', reason = 'ready', finished_at = NULL, started_at = NULL;
                 UPDATE runs SET state = 'queued', finished_at = NULL;`);
