// How fast the landing queue lands, by failure rate, size of a batch and depth of speculation, beside what arithmetic
// says; and how it does on a real repository, with real lanes.
import { expectedOf, type QueueSettings } from './landing-formulas.ts';
import { measureRealLanding } from './landing-real.ts';
import { laneMinutes, LandingSimulation, type Simulated } from './landing-simulation.ts';
import type { Figure } from './measure.ts';

const failureRates = [0, 0.02, 0.05, 0.1];
const batches = [1, 4, 8];
const speculations = [1, 3, 5];
const branches = 48;
const perHour = 60 / laneMinutes;

export async function measureLanding(): Promise<Figure[]> {
  return [...(await measureSimulated()), ...(await measureRealLanding())];
}

async function measureSimulated(): Promise<Figure[]> {
  const figures: Figure[] = [];
  const simulation = await LandingSimulation.open();
  try {
    for (const failureRate of failureRates) {
      for (const batch of batches) {
        for (const speculation of speculations) {
          const settings = { failureRate, batch, speculation };
          figures.push(figureOf(settings, await simulation.run(settings, branches)));
        }
      }
    }
    return figures;
  } finally {
    await simulation.close();
  }
}

function figureOf(settings: QueueSettings, { landed, evicted, runs, hours }: Simulated): Figure {
  const { failureRate, batch, speculation } = settings;
  const expected = expectedOf(settings);
  const formula =
    expected === undefined
      ? 'no short formula'
      : `formula ${expected.landedPerRun.toFixed(2)} / run, ${(expected.landedPerRunTime * perHour).toFixed(1)} / h`;
  return {
    what: `landing, ${failureRate * 100} % red, batch ${batch}, speculation ${speculation}`,
    value: `${(landed / runs).toFixed(2)} / run, ${(landed / hours).toFixed(1)} / h`,
    how: `${formula}; ${landed} landed, ${evicted} left, ${runs} runs of ${laneMinutes} min in ${hours.toFixed(1)} h`,
  };
}
