// The plan of faults. It is drawn from the seed before the run, so a run can be repeated without some of its
// faults.

import type { Draws } from '../kit/draws.ts';

/** Each kind is injected in fault-injector.ts. */
const FAULT_KINDS = [
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
  /** Position in the plan of its seed, also when other faults are left out. */
  readonly number: number;
  readonly kind: FaultKind;
  readonly atMs: number;
  /** Duration, for kinds that last. */
  readonly durationMs: number;
  /** Seed of the draws made while the fault is injected. */
  readonly seed: number;
}

export interface FaultProfile {
  readonly meanGapMs: number;
  readonly meanDurationMs: number;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Faults of leaders test the protocol hardest: every plan has one of these kinds. */
const LEADER_KINDS = [
  'kill-leader',
  'pause-leader',
  'isolate-leader',
  'kill-successor',
  'remove-and-isolate',
] as const;

/** Draws a plan from a few kinds with different weights, so that runs differ in character. */
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
