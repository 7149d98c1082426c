// What goes wrong and when: a list drawn from the seed before the run, so that a run can be repeated without some of it.

import type { Draws } from './draws.ts';

/** Each kind is made to happen by the function of its name in fault-injector.ts. */
export const FAULT_KINDS = [
  'kill',
  'kill-leader',
  'kill-majority',
  'kill-all',
  'kill-at-call',
  'power-loss',
  'orderly-restart',
  'pause',
  'pause-leader',
  'isolate-leader',
  'kill-successor',
  'split',
  'one-way',
  'partial',
  'cut-links',
  'slow-links',
  'disk-stall',
  'disk-full',
  'disk-full-everywhere',
  'disk-failure',
  'bit-flip',
  'lost-disk',
  'old-disk',
  'drift',
  'clock-jump',
  'late-timers',
  'remove-member',
  'remove-and-isolate',
  'add-member',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Fault {
  /** Its place in the plan of its seed, whatever was left out. */
  readonly number: number;
  readonly kind: FaultKind;
  readonly atMs: number;
  /** How long it lasts, where it lasts. */
  readonly durationMs: number;
  /** What it draws by when it happens. */
  readonly seed: number;
}

export interface FaultProfile {
  readonly meanGapMs: number;
  readonly meanDurationMs: number;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** What befalls leaders tries the protocol hardest: one such kind is in every plan. */
const LEADER_KINDS = [
  'kill-leader',
  'pause-leader',
  'isolate-leader',
  'kill-successor',
  'remove-and-isolate',
] as const;

/** Some kinds, so that each run has a character of its own, and of those some more often than others. */
export function drawFaultPlan(draws: Draws, profile: FaultProfile): Fault[] {
  const some = draws.chance(0.2) ? FAULT_KINDS : draws.sample(FAULT_KINDS, draws.integer(1, 10));
  const kinds = [...some, draws.pick(LEADER_KINDS)];
  const weights = Object.fromEntries(kinds.map((kind) => [kind, draws.integer(1, 4)])) as Record<
    FaultKind,
    number
  >;
  const plan: Fault[] = [];
  let atMs = profile.fromMs;
  for (;;) {
    atMs += draws.exponential(profile.meanGapMs);
    if (atMs >= profile.untilMs) return plan;
    plan.push({
      number: plan.length,
      kind: draws.weighted(weights),
      atMs,
      durationMs: draws.exponential(profile.meanDurationMs),
      seed: draws.nextUint32(),
    });
  }
}
