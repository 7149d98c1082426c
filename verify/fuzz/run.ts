// Runs rounds of ideas in turns, until the budget is spent.

import { setTimeout as nextTurn } from 'node:timers/promises';
import type { FuzzArguments } from './arguments.ts';
import { Finding, type Idea } from './idea.ts';
import { Tally } from './tally.ts';

export interface Found {
  readonly idea: Idea;
  /** The seed of the round. */
  readonly seed: number;
  readonly cases: number;
  readonly message: string;
}

export interface Outcome {
  readonly tally: Tally;
  readonly found: readonly Found[];
  readonly elapsedMs: number;
}

/** A prime, so that rounds of runs with neighbouring seeds seldom have the same seed. */
const SEED_STEP = 7_919;
const MAX_SEED = 2 ** 31;

interface Progress {
  readonly idea: Idea;
  rounds: number;
  cases: number;
  spentMs: number;
}

/** Runs to the end also after a finding. The idea that found it is left out from then on. */
export async function runIdeas(
  ideas: readonly Idea[],
  { budget, seed }: Pick<FuzzArguments, 'budget' | 'seed'>,
  signal?: AbortSignal,
): Promise<Outcome> {
  const tally = new Tally();
  const found: Found[] = [];
  const started = performance.now();
  let running = ideas.map((idea): Progress => ({ idea, rounds: 0, cases: 0, spentMs: 0 }));
  const attempt = async (
    progress: Progress,
    round: { seed: number; cases: number },
    run: () => Promise<void>,
  ) => {
    try {
      await run();
    } catch (error) {
      const message = error instanceof Finding ? error.message : unexpected(error);
      found.push({ idea: progress.idea, ...round, message });
      running = running.filter((one) => one !== progress);
    }
  };
  try {
    for (;;) {
      const next = nextIdea(running, { ideas, budget, elapsedMs: performance.now() - started });
      if (next === undefined || signal?.aborted === true) break;
      const { idea } = next;
      const round = {
        seed: (seed + next.rounds * SEED_STEP) % MAX_SEED,
        cases: roundSize(next, ideas, budget),
      };
      const before = performance.now();
      await attempt(next, round, () => idea.run({ ...round, tally }));
      next.rounds += 1;
      next.cases += round.cases;
      next.spentMs += performance.now() - before;
      tally.memory('fuzz', process.memoryUsage.rss());
      // Rounds in this process block the event loop: pending events of other ideas are handled here.
      await nextTurn();
    }
    for (const progress of running) {
      const { idea, rounds } = progress;
      if (rounds > 0 && idea.finish !== undefined) {
        await attempt(progress, { seed, cases: progress.cases }, async () => idea.finish?.(tally));
      }
    }
  } finally {
    for (const idea of ideas) await idea.close?.();
  }
  return { tally, found, elapsedMs: performance.now() - started };
}

/** Returns the idea that is furthest behind its share; undefined when the budget is spent. */
function nextIdea(
  running: readonly Progress[],
  {
    ideas,
    budget,
    elapsedMs,
  }: { ideas: readonly Idea[]; budget: FuzzArguments['budget']; elapsedMs: number },
): Progress | undefined {
  if (budget.kind === 'time') {
    if (elapsedMs >= budget.ms) return undefined;
    return smallest(running, ({ spentMs, idea }) => spentMs / idea.weight);
  }
  const open = running.filter((one) => one.cases < shareOf(one.idea, ideas, budget.cases));
  return smallest(open, ({ cases, idea }) => cases / idea.weight);
}

function shareOf(idea: Idea, ideas: readonly Idea[], cases: number): number {
  const siblings = ideas.filter(({ target }) => target === idea.target);
  const total = siblings.reduce((sum, { weight }) => sum + weight, 0);
  return Math.max(1, Math.ceil((cases * idea.weight) / total));
}

function roundSize(
  { idea, cases }: Progress,
  ideas: readonly Idea[],
  budget: FuzzArguments['budget'],
): number {
  if (budget.kind === 'time') return idea.roundCases;
  return Math.max(1, Math.min(idea.roundCases, shareOf(idea, ideas, budget.cases) - cases));
}

function smallest<T>(values: readonly T[], measure: (value: T) => number): T | undefined {
  let best: T | undefined;
  for (const value of values) if (best === undefined || measure(value) < measure(best)) best = value;
  return best;
}

function unexpected(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
