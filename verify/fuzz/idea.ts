// An idea: one way to fuzz one part of the program.

import type { TargetName } from './arguments.ts';
import type { Tally } from './tally.ts';

export interface Round {
  /** The same seed and number of cases give the same cases. */
  readonly seed: number;
  readonly cases: number;
  readonly tally: Tally;
}

export interface Idea {
  readonly target: TargetName;
  readonly name: string;
  /** The idea's share of its target's cases, and of the time. */
  readonly weight: number;
  /** Cases of one round, which takes about a second. */
  readonly roundCases: number;
  /** Runs about as many cases as the round says, and counts them. Throws Finding. */
  run(round: Round): Promise<void>;
  /** Checks the end of the run. Throws Finding. */
  finish?(tally: Tally): Promise<void>;
  /** Ends the processes and connections that `run` has started. */
  close?(): Promise<void>;
}

/** Behaviour that the program must not have. */
export class Finding extends Error {
  override readonly name = 'Finding';
}
