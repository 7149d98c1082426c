// Runs in its own process inside a working copy, so that it imports the mutant:
//
//   worker.ts load FILE                    does the file load?
//   worker.ts simulate SECONDS [SEEDS]     seeds 1, 2, … until one is violated
//   worker.ts explore SECONDS              every order of events from a few situations
//
// Ends with one line of JSON: a `Finding`.

import path from 'node:path';
import { pathToFileURL } from 'node:url';

export interface Finding {
  /** The violated property, if any. */
  readonly property: string | undefined;
  /** The number of seeds run, the violated one last, or of situations explored. */
  readonly runs: number;
  readonly seconds: number;
}

/** Measures from its creation, which follows the loading of the program. */
class Stopwatch {
  readonly #startedAt = performance.now();

  get seconds(): number {
    return (performance.now() - this.#startedAt) / 1_000;
  }
}

const [task, argument, most] = process.argv.slice(2);
if (process.argv[1] === import.meta.filename) {
  if (task === 'load') await import(pathToFileURL(path.resolve(argument ?? '')).href);
  if (task === 'simulate')
    report(await simulated(Number(argument), Number(most ?? Number.POSITIVE_INFINITY)));
  if (task === 'explore') report(await explored(Number(argument)));
}

function report(finding: Finding): void {
  console.log(JSON.stringify(finding));
}

async function simulated(seconds: number, mostSeeds: number): Promise<Finding> {
  const { simulate } = await import('../sim/simulation.ts');
  const watch = new Stopwatch();
  let seed = 0;
  do {
    seed += 1;
    const property = propertyOf(() => simulate({ seed }).violations[0]?.property);
    if (property !== undefined) return { property, runs: seed, seconds: watch.seconds };
  } while (seed < mostSeeds && (watch.seconds < seconds || mostSeeds < Number.POSITIVE_INFINITY));
  return { property: undefined, runs: seed, seconds: watch.seconds };
}

async function explored(seconds: number): Promise<Finding> {
  const { Search } = await import('../explore/search.ts');
  const { emptyCluster, NO_EVENTS } = await import('../explore/scenario.ts');
  const { FIGURE_8, TWO_REMOVALS } = await import('../explore/scenarios.ts');
  const watch = new Stopwatch();
  const budget = { ...NO_EVENTS, timeOuts: 2, crashes: 1, proposals: 1 };
  const empty = (scenario: ReturnType<typeof emptyCluster>) => ({ scenario, script: [], depth: 300 });
  const situations = [
    FIGURE_8,
    TWO_REMOVALS,
    empty(emptyCluster(2, { ...budget, duplicates: 1 })),
    empty(emptyCluster(3, budget)),
    empty(emptyCluster(3, { ...budget, changes: 1 })),
  ];
  const share = seconds / situations.length;
  for (const [at, { scenario, script, depth }] of situations.entries()) {
    const search = searchFrom(() => new Search(scenario, script));
    if (search === undefined) continue;
    // The first two are small, and reach states that lie too deep for the others.
    const until = watch.seconds + (script.length > 0 ? seconds : share);
    const bounds = { depth, maxStates: 1_000_000, isTimeUp: () => watch.seconds >= until };
    const property = propertyOf(() => search.run(bounds).violation?.property);
    if (property !== undefined) return { property, runs: at + 1, seconds: watch.seconds };
  }
  return { property: undefined, runs: situations.length, seconds: watch.seconds };
}

/** Returns undefined where the mutant does not reach the situation at all: that is no violation. */
function searchFrom<T>(create: () => T): T | undefined {
  try {
    return create();
  } catch {
    return undefined;
  }
}

/** Returns the violated property. An error that leaves the simulated world is a finding too. */
function propertyOf(run: () => string | undefined): string | undefined {
  try {
    return run();
  } catch (error) {
    return `error: ${error instanceof Error ? error.message : String(error)}`;
  }
}
